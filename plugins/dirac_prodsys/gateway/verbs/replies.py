"""Turns ``S_OK``/``S_ERROR`` into a value or one of our errors; the only place that does.

Invariant: an outage is never taken for an answer. DIRAC reports a dead database, a missing right
and a wrong argument alike as ``S_ERROR``. The lists below distinguish them by ``Errno`` first and
then by the words of DIRAC 9.1.22 (``DErrno.py``, ``BaseClient.py``, ``MySQL.py``,
``TransformationDB.py``).
"""

from __future__ import annotations

import errno
import json
import re
from typing import Any

from dirac_prodsys.core.text.wording import one_line
from dirac_prodsys.errors import (
    GatewayDenied,
    GatewayError,
    GatewayRejected,
    GatewayUnavailable,
    NotFound,
)

#: characters of a message that are searched
_MESSAGE = 2_000

_WAIT_HINT = "the grid may be coming back by itself; if not, ask who runs it"
_RIGHT_HINT = (
    "use a valid proxy of a group that has the right; check the connection's proxy and group"
)

#: ``DErrno``: certificates, proxies, groups (1100-1109) and ENOAUTH
_DENIED_NUMBERS = frozenset(range(1100, 1110)) | {1111, errno.EACCES, errno.EPERM}

_DENIED_WORDS = re.compile(
    r"Unauthorized query|No proxy found|has expired|Can't verify file|[Pp]roxy file|"
    r"do not have permission|Permission denied|not authorized|certificate verify failed|"
    # what the other side of a TLS connection reports about our certificate
    r"alert (?:unknown ca|bad certificate|certificate (?:expired|revoked|unknown))",
)

_UNAVAILABLE_NUMBERS = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.ETIMEDOUT,
        errno.EHOSTUNREACH,
        errno.EHOSTDOWN,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EPIPE,
        errno.EAGAIN,
        1110,  # EDISET
    }
)

_UNAVAILABLE_WORDS = re.compile(
    r"Can't connect to|Peer closed connection|Connection closed by peer|Connection refused|"
    r"Connection seems stalled|[Tt]imed? ?out|DNS lookup failed|Error in _read|Error in _write|"
    r"Exception while (?:reading|sending)|\[Errno (?:32|101|104|110|111|113)\]|"
    r"not connected to DB|Failed to get MySQL|Can not get connection|"
    # TransformationManagerHandler.checkPermissions answers this also when its database is down
    r"details for permissions check|"
    # saferEval: two threads of a service on Python 3.11 parsed at once (CPython issue 106905); a
    # stored query that is really wrong is a "Syntax error"
    r"Unknown error processing object expression",
)

#: ``DErrno``: EDB, EMYSQL, ESQLA
_DATABASE_NUMBERS = frozenset({1130, 1131, 1132})

#: temporary MySQL server errors: too many connections, shutdown, lock wait, deadlock, read only
_PASSING_MYSQL = frozenset({1040, 1053, 1205, 1213, 1290})

_NOT_FOUND_WORDS = re.compile(
    r"Transformation does not exist|Transformation \S+ did not exist|No such dataset|"
    r"Production does not exist|Directory \S+ not found|Path not found|Unknown MetaDataset",
)


def value_of(reply: Any, call: str) -> Any:
    """Return the value of a service's reply.

    :param call: ``service.method``, for the message.
    :raises GatewayError: the reply is an error, or no reply of a DIRAC service.
    """
    if not isinstance(reply, dict) or "OK" not in reply:
        raise GatewayUnavailable(
            f"{call} gave no answer of a DIRAC service: {one_line(reply)}", _WAIT_HINT
        )
    if reply["OK"]:
        return reply.get("Value")
    raise error_of(reply.get("Message", ""), call, reply.get("Errno", 0))


def packed_value(text: Any, call: str) -> Any:
    """Return the value of a reply that the service packed into text, as its own encoding is slow.

    :raises GatewayError: as :func:`value_of`; GatewayRejected: the text is no JSON.
    """
    try:
        reply = json.loads(text)
    except (TypeError, ValueError):
        raise GatewayRejected(f"{call} answered {text!r:.80}", "see its log") from None
    return value_of(reply, call)


def error_of(message: Any, call: str, number: int = 0) -> GatewayError:
    """Return the error for an ``S_ERROR``, or for one entry of ``Failed``."""
    text = one_line(message, most=_MESSAGE).strip() or "no reason given"
    reason = f"{call}: {text}"
    if number in _DENIED_NUMBERS or _DENIED_WORDS.search(text):
        return GatewayDenied(reason, _RIGHT_HINT)
    if _is_outage(text, number):
        return GatewayUnavailable(reason, _WAIT_HINT)
    if _NOT_FOUND_WORDS.search(text):
        return NotFound(reason, "check the name or ID; it may have been deleted")
    return GatewayRejected(reason, "the service refused this as it stands; see the reason")


def each(reply: Any, call: str) -> dict[str, Any]:
    """Return the values by name of a bulk reply ``{"Successful": …, "Failed": …}``.

    :raises GatewayError: anything failed.
    """
    if not isinstance(reply, dict) or "Successful" not in reply:
        raise GatewayUnavailable(f"{call} gave no bulk answer: {one_line(reply)}", _WAIT_HINT)
    for name, message in (reply.get("Failed") or {}).items():
        raise error_of(f"{name}: {message}", call)
    return dict(reply["Successful"])


def _is_outage(text: str, number: int) -> bool:
    mysql = re.search(r"\((\d{4}), ", text)
    if mysql and (number in _DATABASE_NUMBERS or "MySQL" in text):
        code = int(mysql[1])
        return code >= 2000 or code in _PASSING_MYSQL
    return number in _UNAVAILABLE_NUMBERS or bool(_UNAVAILABLE_WORDS.search(text))
