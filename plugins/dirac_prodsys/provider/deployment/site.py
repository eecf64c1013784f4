"""Reads the site's file, which the deployment names in ``[dirac_prodsys] site``.

It is read again for each question: a limit that is written now holds for what is sent next.

Invariant: fail closed. A file that is named but cannot be used, or that lies where authors write,
allows nothing. Without the option, nothing is limited.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dirac_prodsys.core.site.file import Limits, RemovalApproval, Site, read_site
from dirac_prodsys.core.site.limits import demand
from dirac_prodsys.core.site.removals import Share, must_ask
from dirac_prodsys.errors import ProdsysError, SiteError
from dirac_prodsys.gateway.protocol import ProductionGateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dirac_prodsys.core.plan.values import ProductionPlan
    from dirac_prodsys.core.production.production import Production
    from dirac_prodsys.gateway.protocol import ProductionGateway

#: section and option in Airflow's configuration
SECTION, OPTION = "dirac_prodsys", "site"


def site_file() -> Path | None:
    """Return the path of the site's file; None: the deployment names none.

    :raises SiteError: the path is not absolute.
    """
    written = str(conf.get(SECTION, OPTION, fallback="") or "").strip()
    if not written:
        return None
    path = Path(written)
    if not path.is_absolute():
        raise SiteError(f"[{SECTION}] {OPTION} is {written!r}", "write an absolute path")
    return path


def site(productions: Path | None = None) -> Site | None:
    """Return the site's file; None: there is none.

    :param productions: the folder that authors write into; the site's file must not lie there.
    :raises SiteError: it cannot be used.
    """
    path = site_file()
    if path is None:
        return None
    try:
        if productions is not None and _inside(path, productions):
            raise SiteError(
                f"the site's file {path} lies in {productions}, where authors write: it is not "
                "used, and nothing is allowed",
                f"let [{SECTION}] {OPTION} name a file that only the deployment can write",
            )
        text = path.read_bytes()
    except OSError as error:
        raise SiteError(
            f"the site's file {path} cannot be read, and nothing is allowed: {error.strerror}",
            "let whoever runs Airflow see to it on every machine that runs tasks",
        ) from error
    return read_site(text, str(path))


def bundle_of(context: Mapping[str, Any]) -> Any:
    """Return the bundle that serves a task's DAG, in the version of its run; None: unknown."""
    return getattr(context.get("ti"), "bundle_instance", None)


def limits(context: Mapping[str, Any]) -> Limits | None:
    """Return what the files of a task's bundle may do; None: nothing is limited.

    :raises AirflowException: the site's file cannot be used now, or does not name the bundle; the
        task may be tried again.
    """
    try:
        found = site(_productions(context))
        return None if found is None else found.limits(str(getattr(bundle_of(context), "name", "")))
    except SiteError as error:
        raise AirflowException(str(error)) from None


def demand_allowed(
    context: Mapping[str, Any], production: Production, plan: ProductionPlan, connection: str
) -> None:
    """Check that the site allows a plan to the files of the task's bundle.

    :param plan: the plan of the task's own run.
    :param connection: the connection that the task uses, whatever the plan says.
    :raises AirflowFailException: the site does not allow it.
    :raises AirflowException: as for :func:`limits`.
    """
    allowed = limits(context)
    if allowed is None:
        return
    try:
        demand(production, plan, allowed)
        if connection != plan.connection:
            demand(production, replace(plan, connection=connection), allowed)
    except ProdsysError as error:
        raise AirflowFailException(str(error)) from None


def demand_vo(context: Mapping[str, Any], gateway: ProductionGateway) -> None:
    """Check that the site allows the VO of the connection, whatever the production says.

    :raises SiteError: the VO is another one.
    :raises AirflowException: as for :func:`limits`.
    """
    allowed = limits(context)
    if allowed is None or allowed.vos is None:
        return
    vo = vo_of(gateway)
    if vo and vo not in allowed.vos:
        raise SiteError(
            f"the connection is of VO {vo!r}, and the site does not allow that here",
            f"allowed: {', '.join(allowed.vos) or 'none'}",
        )


def why_not_clean(
    context: Mapping[str, Any],
    gateway: ProductionGateway,
    production: Production,
    plan: ProductionPlan,
    transformation: int,
) -> str:
    """Return why the end of a run may not clean a transformation, in words; empty if it may.

    Nobody can be asked at that point: a cleaning that needs approval is left to a person.
    """
    try:
        demand_allowed(context, production, plan, plan.connection)
        asked, _ = removal_approval(context, (plan.vo, vo_of(gateway)))
    except AirflowException as error:
        return str(error)
    if asked is None:
        return ""
    share = gateway.output_share(transformation)
    if must_ask(asked, Share(share.files, share.bytes)):
        return (
            f"it is about {share.files} files, and the site wants to be asked: who may do so "
            "cleans it by production_operations"
        )
    return ""


def removal_approval(
    context: Mapping[str, Any], vos: Iterable[str]
) -> tuple[RemovalApproval | None, tuple[str, ...]]:
    """Return the rule and the names of who must approve removals in these VOs; None: nobody.

    :param vos: VO of the production, then VO of the connection: the first with a rule counts.
    :raises AirflowException: the site's file cannot be used now.
    """
    try:
        found = site(_productions(context))
    except SiteError as error:
        raise AirflowException(str(error)) from None
    if found is not None:
        for rule in filter(None, map(found.removal_approvals.get, vos)):
            return rule, found.users_of(rule.roles, rule.users)
    return None, ()


def report_every(context: Mapping[str, Any], kind: str) -> float:
    """Return the seconds between two tables of the jobs of a step of this type; 0: none.

    A site's file that cannot be used now holds up no wait, and no table is sent.
    """
    try:
        found = site(_productions(context))
    except SiteError:
        return 0.0
    return 0.0 if found is None else 3600 * found.report_every(kind)


def vo_of(gateway: ProductionGateway) -> str:
    """Return the VO of a connection; empty if it is unknown."""
    return gateway.settings.vo or gateway.ping().vo


def _productions(context: Mapping[str, Any]) -> Path | None:
    """Return the folder of a task's bundle that authors write into."""
    folder = getattr(bundle_of(context), "productions", None)
    return folder if isinstance(folder, Path) else None


def _inside(path: Path, folder: Path) -> bool:
    """Check whether a file lies in a folder, by its name or by the target of its links."""
    real = folder.resolve()
    return any(
        real in (one, *one.parents) for one in (path.resolve(), path.parent.resolve() / path.name)
    )
