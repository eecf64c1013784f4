"""Sends a message to a chat (Mattermost, Slack, Matrix) by a connection of Airflow.

The connection's password is the secret: an address that lets whoever knows it write, or a token.
Airflow masks passwords in its logs. Our own words never have it, and ``httpx``, which logs each
address, is kept quiet meanwhile.

Invariant: one message at most. A request is sent again only when the chat said that it did not take
it, was not reached, or takes the same request twice as one. When nobody knows whether it arrived,
it counts as sent.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from airflow.sdk import BaseHook
from airflow.sdk.bases.notifier import BaseNotifier
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from dirac_prodsys.core.policy.chat_messages import CHATS, ChatRequest, Message, request_of
from dirac_prodsys.errors import ProdsysError

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

#: seconds for one try, and tries
_TIMEOUT, _TRIES = 10.0, 4
#: answers after which the chat has not taken the message, and may take it soon
_LATER = frozenset({429, 502, 503, 504})


class _NotTaken(ProdsysError):
    """The chat did not take the message, and may take it soon."""

    retryable = True


class WebhookNotifier(BaseNotifier):
    """Write a message into a chat.

    :param conn_id: connection of Airflow: ``host`` is the address of the server, ``password`` the
        secret, ``login`` the room (for Matrix), ``{"kind": …}`` in the extra a key of ``CHATS``.
    :param key: the same for the same message; for Matrix, the same twice is one message.
    """

    #: nothing is rendered: jobs wrote some of it
    template_fields = ()

    def __init__(
        self,
        *,
        conn_id: str,
        subject: str,
        text: str = "",
        page: str = "",
        runbook: str = "",
        key: str = "",
        wait: float = 1.0,
    ) -> None:
        super().__init__()
        self.conn_id, self.wait = conn_id, wait
        self.message = Message(subject, text, page, runbook, key)

    def notify(self, context: Context) -> None:
        """Send the message.

        :raises ProdsysError: the chat did not take it, or the connection is wrong.
        """
        request = request_from(BaseHook.get_connection(self.conn_id), self.conn_id, self.message)
        again = Retrying(
            retry=retry_if_exception_type(_NotTaken),
            stop=stop_after_attempt(_TRIES),
            wait=wait_exponential(self.wait, max=8 * self.wait),
            reraise=True,
        )
        again(_send, request, self.conn_id)


def request_from(connection: Any, conn_id: str, message: Message) -> ChatRequest:
    """Return the request for the chat of a connection.

    :raises ProdsysError: the connection is wrong.
    """
    secret, address = connection.password or "", _address(connection)
    if not secret or not (address or "://" in secret):
        raise ProdsysError(
            f"connection {conn_id!r} does not say where the chat is",
            "its password is the address of the webhook; see how to be notified",
        )
    kind = str(connection.extra_dejson.get("kind") or _kind(f"{address} {secret}"))
    if kind not in CHATS:
        raise ProdsysError(
            f"connection {conn_id!r}: kind {kind!r} is no chat", f"known are: {', '.join(CHATS)}"
        )
    return request_of(kind, address, secret, connection.login or "", message)


def _address(connection: Any) -> str:
    host = str(connection.host or "")
    if not host or "://" in host:
        return host
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'https'}://{host}{port}"


def _kind(address: str) -> str:
    return "slack" if "hooks.slack.com" in address else "mattermost"


def _send(request: ChatRequest, conn_id: str) -> None:
    where = f"the chat of connection {conn_id!r}"
    try:
        with _quiet(), httpx.Client(timeout=_TIMEOUT) as client:
            answer = client.request(
                request.method, request.url, headers=dict(request.headers), content=request.body
            )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise _NotTaken(f"{where} is not reached: {type(error).__name__}") from None
    except httpx.UnsupportedProtocol:
        raise ProdsysError(f"{where} has no web address", "it begins with https://") from None
    except httpx.TransportError as error:
        if request.repeatable:
            raise _NotTaken(f"{where} does not answer: {type(error).__name__}") from None
        log.warning("%s did not say whether it took the message: %s", where, type(error).__name__)
        return
    except Exception as error:  # its words may hold the address
        raise ProdsysError(f"{where} cannot be asked: {type(error).__name__}") from None
    if answer.status_code in _LATER:
        raise _NotTaken(f"{where} does not take messages now: it answers {answer.status_code}")
    if not answer.is_success:
        raise ProdsysError(
            f"{where} refuses the message: it answers {answer.status_code}",
            "look at the secret of the connection, and at its kind",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep this thread's requests out of the log, for their address is the secret."""
    own = threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != own

    logger = logging.getLogger("httpx")
    logger.addFilter(others)
    try:
        yield
    finally:
        logger.removeFilter(others)
