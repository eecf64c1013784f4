"""Lets the jobs of a transformation avoid sites, by a change of its body after creation.

DIRAC makes a task from the body when it submits the task. So a change of the body reaches all later
tasks and none that already run. The change is one ``BannedSites`` parameter, as
``Interfaces.API.Job.setBannedSites`` makes it, recognised by its description.

Invariant: without the added parameter the body is the original one, byte for byte. So a
transformation whose jobs avoid a site still equals the requested one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from dirac_prodsys.errors import GatewayRejected

_DESCRIPTION = "Sites avoided after failures"
_OURS = re.compile(
    rf'<Parameter name="BannedSites"[^>]* description="{_DESCRIPTION}">'
    r"<value><!\[CDATA\[(?P<sites>[^\]]*)\]\]></value></Parameter>\n"
)
_SITE = re.compile(r"[A-Za-z0-9_.-]+")
#: key in bodies that are JSON: those of the in-memory grid
_KEY = "avoided_sites"


def avoided_sites(body: str) -> tuple[str, ...]:
    """Return the sites that were added to a body."""
    if _is_json(body):
        return tuple(json.loads(body).get(_KEY, ()))
    found = _OURS.search(body)
    return tuple(found["sites"].split(";")) if found else ()


def as_created(body: str) -> str:
    """Return the body without the added sites."""
    if _is_json(body) and avoided_sites(body):
        data = json.loads(body)
        del data[_KEY]
        return json.dumps(data, sort_keys=True)
    return _OURS.sub("", body)


def avoiding(body: str, sites: Iterable[str]) -> str:
    """Return the body whose jobs avoid these sites as well.

    :raises GatewayRejected: its tasks are no jobs, or it bans sites of its own.
    """
    wanted = sorted({*avoided_sites(body), *sites})
    if wrong := [site for site in wanted if not _SITE.fullmatch(site)]:
        raise GatewayRejected(f"{wrong[0]!r} is no name of a site", "see the job's Site")
    plain = as_created(body)
    if not wanted:
        return plain
    if _is_json(plain):
        return json.dumps({**json.loads(plain), _KEY: wanted}, sort_keys=True)
    head, mark, rest = plain.partition("<Parameter ")
    if not mark or 'name="BannedSites"' in plain:
        raise GatewayRejected(
            "the body has no jobs, or bans sites of its own", "ban the site in the definition"
        )
    added = (
        '<Parameter name="BannedSites" type="JDL" linked_module="" linked_parameter="" in="True" '
        f'out="False" description="{_DESCRIPTION}">'
        f"<value><![CDATA[{';'.join(wanted)}]]></value></Parameter>\n"
    )
    return f"{head}{added}{mark}{rest}"


def _is_json(body: str) -> bool:
    """Check for a JSON object; requests of the data management are JSON lists, or text."""
    return body.lstrip().startswith("{")
