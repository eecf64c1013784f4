"""From a task in the UI to its transformation in the DIRAC web portal.

Invariant: the address is worked out on the worker, where the ID is known, and pushed when the
task attempt ends, so the link works while the task is deferred and never costs the web server a
call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey
    from airflow.sdk import BaseOperator

    from dirac_prodsys.gateway.records import GatewaySettings

#: the WebApp opens an application by name; it takes no filter from the address, so the ID is only
#: shown
_APPLICATION = "DIRAC.TransformationMonitor.classes.TransformationMonitor"
_WEBAPP = f"?view=tabs&theme=Crisp&url_state=1|*{_APPLICATION}:,"


def transformation_url(settings: GatewaySettings, transformation: int, name: str) -> str:
    """Address of a transformation; empty when the connection names no portal.

    The extra ``portal`` may hold ``{id}``, ``{name}`` and ``{group}``; without ``{id}`` and
    ``{name}`` it is taken for the base address of a DIRAC WebApp and its TransformationMonitor is
    opened.
    """
    portal = settings.portal
    if not portal.startswith(("https://", "http://")):
        return ""
    for key, value in (("id", str(transformation)), ("name", name), ("group", settings.group)):
        portal = portal.replace("{" + key + "}", quote(value, safe=""))
    if "{id}" in settings.portal or "{name}" in settings.portal:
        return portal
    return f"{portal.rstrip('/')}/{_WEBAPP}#{transformation}"


class TransformationLink(BaseOperatorLink):
    """The button "Transformation" of our tasks."""

    name = "Transformation"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """What the operator found out in this attempt; empty before it knew the ID."""
        return getattr(operator, "transformation_url", "")
