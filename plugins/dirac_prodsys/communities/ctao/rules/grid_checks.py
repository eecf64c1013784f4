"""Checks a grid of CTAO: an agent that acts beside us, and what CTADIRAC's jobs look up.

The options of the agent are those of CTADIRAC 3.1 (``TransformationFailoverAgent.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.doctor.check import Check, Trouble
from dirac_prodsys.core.doctor.facts import Facts, known
from dirac_prodsys.core.doctor.grid_settings import grid_of, settings_of, split

_FAILOVER = "TransformationFailoverAgent"
#: options of that agent that name the types on which it acts
_ACTS = {"Complete": "completes", "Flush": "flushes", "Reassign": "takes files back of"}
#: field of files by which a failed job's outputs are found
_JOB_FIELD = "jobID"
_OUTPUTS = ("ProductionOutputs", "ProductionOutputsFailover")


def _failover(facts: Facts) -> Iterator[Trouble]:
    for agent in settings_of(facts).agents(_FAILOVER):
        if agent.value("Status", "Active").lower() != "active":
            continue
        for option, does in _ACTS.items():
            if types := split(agent.value(option)):
                yield Trouble(
                    f"{agent.name} {does} transformations of type {', '.join(types)}, those of "
                    "productions included",
                    f"let the grid's manager empty {agent.path}/{option}. On DIRAC 9.1 the agent "
                    "ends before it acts, as JobMonitoring has no getJobsParameters",
                )


def _is_wanted(facts: Facts) -> bool:
    return any(one.body == "ctao" for one in facts.needs)


def _job_field(facts: Facts) -> Iterator[Trouble]:
    if _is_wanted(facts) and _JOB_FIELD not in known(grid_of(facts).inventory).file_fields:
        yield Trouble(
            f"the catalogue has no field {_JOB_FIELD} of files: nobody finds what a failed job has "
            "uploaded, and its input is processed again"
        )


def _outputs(facts: Facts) -> Iterator[Trouble]:
    if not _is_wanted(facts):
        return
    settings = settings_of(facts)
    for section in _OUTPUTS:
        if not settings.below(f"/Operations/{settings.vo}/{section}") and not settings.below(
            f"/Operations/Defaults/{section}"
        ):
            yield Trouble(
                f"Operations/Defaults/{section} is empty: jobs find no place to upload to"
            )


CHECKS = (
    Check(
        "ctao-failover-agent",
        "CTADIRAC's failover agent does not act beside productions",
        "warning",
        _failover,
        "let the grid's manager empty its options",
    ),
    Check(
        "ctao-job-field",
        "the catalogue has the field by which outputs of a failed job are found",
        "warning",
        _job_field,
        f"let a catalogue manager define it: meta index -f {_JOB_FIELD} VARCHAR(128)",
    ),
    Check(
        "ctao-outputs",
        "CTADIRAC's jobs find where to upload",
        "error",
        _outputs,
        "let the grid's manager name storage elements there, one option for each package",
    ),
)
