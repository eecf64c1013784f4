"""Checks where jobs may run: destination plugin, JobTypeMapping, job types, shares."""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.doctor.check import Check, Trouble, number_of
from dirac_prodsys.core.doctor.facts import Facts, Needed, known
from dirac_prodsys.core.doctor.grid_settings import JOBS, GridSettings, grid_of, settings_of, split
from dirac_prodsys.core.grid.task_plugins import PLUGINS

_PLUGIN = "Transformations/DestinationPlugin"
#: methods of ``TaskManagerPlugin`` (9.1)
_BY_SE, _BY_JOB_TYPE = "BySE", "ByJobType"
#: job types that DIRAC takes if the configuration names none (``JobModel.py``)
_ALLOWED = ("User", "Test", "Hospital")


def _plugin(settings: GridSettings) -> str:
    return settings.operations(_PLUGIN) or _BY_SE


def _destination(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    named = _plugin(settings)
    own = [one for one in settings.agents("WorkflowTaskAgent") if one.value("PluginLocation")]
    ours = all(one.value("PluginLocation").startswith("DIRAC.") for one in own)
    if named not in (_BY_SE, _BY_JOB_TYPE) and ours:
        yield Trouble(
            f"Operations/Defaults/{_PLUGIN} is {named}, and DIRAC has {_BY_SE} and "
            f"{_BY_JOB_TYPE}: no task gets a site, and none is submitted"
        )


def sites_left(settings: GridSettings, job_type: str, sites: frozenset[str]) -> frozenset[str]:
    """Return the sites that ByJobType leaves to jobs of a type, wherever their input is."""
    mapping = f"JobTypeMapping/{job_type}"
    excluded = set(split(settings.operations(f"{mapping}/Exclude")))
    left = set() if "ALL" in excluded else set(sites) - excluded
    section = f"/Operations/Defaults/{mapping}/Allow"
    added = split(settings.operations("JobTypeMapping/AutoAddedSites"))
    added = split(settings.operations(f"{mapping}/AutoAddedSites")) or added
    if "WithStorage" in added:  # which sites these are, only an agent knows
        left |= set(sites)
    return frozenset({*left, *settings.below(section), *added})


def _mapping(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    if _plugin(settings) != _BY_JOB_TYPE:
        return
    sites = known(grid_of(facts).inventory).sites
    for one in _jobs(facts):
        left = sites_left(settings, one.job_type, sites)
        place = f"Operations/Defaults/JobTypeMapping/{one.job_type}"
        if not left:
            yield Trouble(
                f"no site may run jobs of type {one.job_type} ({one.what}): {place} excludes all "
                "and allows none"
            )
        elif lost := [site for site in one.sites if site not in left]:
            nowhere = " and they have no other" if len(lost) == len(one.sites) else ""
            yield Trouble(
                f"jobs of type {one.job_type} ({one.what}) may not run at {', '.join(lost)}"
                f"{nowhere}: see {place}",
                f"name other sites in the production, or let the grid's manager change {place}",
            )


def _jobs(facts: Facts) -> list[Needed]:
    """Return one of each that differs in job type or sites."""
    found = {(one.job_type, one.sites): one for one in reversed(facts.needs) if one.job_type}
    return list(reversed(found.values()))


def _job_types(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    option = "JobDescription/AllowedJobTypes"
    allowed = {*(split(settings.operations(option)) or _ALLOWED)}
    allowed |= {*split(settings.operations(JOBS))}
    for type_ in sorted({one.job_type for one in facts.needs if one.job_type} - allowed):
        what = next(one.what for one in facts.needs if one.job_type == type_)
        yield Trouble(
            f"jobs of type {type_} ({what}) are refused when they are submitted",
            f"let the grid's manager add {type_} to Operations/Defaults/{option}",
        )


def _shares(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    for one in facts.needs:
        plugin = PLUGINS.get(one.plugin)
        for section in plugin.needs if plugin is not None else ():
            shares = settings.below(section)
            if not any(number_of(value) > 0 for value in shares.values()):
                yield Trouble(
                    f"plugin {one.plugin} ({one.what}) makes no task: {section} has "
                    f"{'no share above 0' if shares else 'nothing'}",
                    f"use another plugin, or let the grid's manager set {section}",
                )
                return


CHECKS = (
    Check(
        "destination-plugin",
        "DIRAC has the plugin that chooses sites for tasks",
        "error",
        _destination,
        "let the grid's manager correct it; without it, sites follow the storage of the input",
    ),
    Check(
        "job-type-mapping",
        "some site may run each type of job, and those that productions name may",
        "error",
        _mapping,
        "let the grid's manager allow a site there",
    ),
    Check(
        "job-types",
        "the WMS takes the types of jobs",
        "error",
        _job_types,
        "let the grid's manager allow the type",
    ),
    Check(
        "shares",
        "plugins that go by shares find some",
        "error",
        _shares,
        "use another plugin",
    ),
)
