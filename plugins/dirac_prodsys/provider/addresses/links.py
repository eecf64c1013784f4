"""Knows addresses: of transformations in the DIRAC web portal, and of our pages in Airflow.

Invariant: the worker builds the address, because it knows the ID, and the address is pushed when
the task attempt ends. So the link works while the task is deferred and never costs the web server
a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey
    from airflow.sdk import BaseOperator

    from dirac_prodsys.gateway.records import GatewaySettings

#: the WebApp opens an application by name and takes no filter from the address, so the ID is only
#: shown
_APPLICATION = "DIRAC.TransformationMonitor.classes.TransformationMonitor"
_JOBS = "DIRAC.JobMonitor.classes.JobMonitor"


def _is_web(address: str) -> bool:
    return address.startswith(("https://", "http://"))


def _opened(portal: str, application: str, identifier: int) -> str:
    """Return the address at which a DIRAC WebApp opens an application."""
    return f"{portal.rstrip('/')}/?view=tabs&theme=Crisp&url_state=1|*{application}:,#{identifier}"


def transformation_url(settings: GatewaySettings, transformation: int, name: str) -> str:
    """Return the address of a transformation; empty when the connection names no portal.

    The extra ``portal`` may hold ``{id}``, ``{name}`` and ``{group}``. Without ``{id}`` and
    ``{name}`` it is taken as the base address of a DIRAC WebApp, and the address opens its
    TransformationMonitor.
    """
    portal = settings.portal
    if not _is_web(portal):
        return ""
    for key, value in (("id", str(transformation)), ("name", name), ("group", settings.group)):
        portal = portal.replace("{" + key + "}", quote(value, safe=""))
    if "{id}" in settings.portal or "{name}" in settings.portal:
        return portal
    return _opened(portal, _APPLICATION, transformation)


def job_url(settings: GatewaySettings, job: int) -> str:
    """Return the address of a job; empty when the connection names neither page nor portal."""
    if settings.job_portal:
        return _filled_in(settings.job_portal, job)
    is_base = _is_web(settings.portal) and "{" not in settings.portal
    return _opened(settings.portal, _JOBS, job) if is_base else ""


def job_log_url(settings: GatewaySettings, job: int) -> str:
    """Return the address of the log of a job; empty when the connection names none."""
    return _filled_in(settings.job_log, job)


def _filled_in(address: str, job: int) -> str:
    return address.replace("{id}", str(job)) if _is_web(address) else ""


#: where Airflow's interface has the page (``plugin.py``, ``page/static/paths.js``)
PAGE_ROUTE = "dirac-productions"


def airflow_url() -> str:
    """Return the address of Airflow as people have it; empty: the deployment does not say it."""
    from airflow.sdk.configuration import conf

    found = str(conf.get("api", "base_url", fallback="") or "").strip().rstrip("/")
    return found if _is_web(found) else ""


def run_page_url(production: str, run: str, step: str = "") -> str:
    """Return the address of the page of a run, or of a step of it; empty: it is not known."""
    base = airflow_url()
    if not base:
        return ""
    place = "/".join(quote(part, safe="") for part in ("run", production, run))
    shown = f"?step={quote(step, safe='')}" if step else ""
    return f"{base}/plugin/{PAGE_ROUTE}/{place}{shown}"


def runbook_url(kind: str) -> str:
    """Return the address of what to do about a kind of notice; empty: it is not known.

    The site says where, as ``[dirac_prodsys] runbooks_url``; by default, the page shows it.
    """
    from airflow.sdk.configuration import conf

    own = str(conf.get("dirac_prodsys", "runbooks_url", fallback="") or "").strip()
    if "{name}" in own:
        return own.replace("{name}", kind)
    if own:
        return f"{own.rstrip('/')}/{kind}.md"
    base = airflow_url()
    return f"{base}/plugin/{PAGE_ROUTE}/runbook/{kind}" if base else ""


class TransformationLink(BaseOperatorLink):
    """Adds the button "Transformation" to our tasks."""

    name = "Transformation"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address that this attempt pushed; empty before the ID was known."""
        return getattr(operator, "transformation_url", "")
