"""Finds the job and the input of files that CTAO's jobs have left in the catalogue.

Their bodies name no output. But each job uploads below the directory of its transformation, and
writes the ID of the job (``jobID``) and a run number (``runNumber``) to every file as its own
metadata (``ProdDataManager.putAndRegister``). Files of one run number are made of each other: by
that rule the job itself sets its inputs Processed (``cta_prod_managedata.py``, 3.1.0).

Invariant: an output counts as complete only if that is certain. A file that names no job may belong
to any job, so it never counts as missing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from dirac_prodsys.communities.ctao.rules.directories import output_directory
from dirac_prodsys.communities.ctao.types.job_types import of_class
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.decisions import Outputs
from dirac_prodsys.core.recovery.traces import OutputPlace, Trace

JOB, RUN = "jobID", "runNumber"

#: files that were registered, but their job ended before it wrote its ID to them
UNSIGNED = MetaQuery.parse({JOB: "Missing"})

#: run numbers in a file's name, as CTADIRAC reads them (``tool_box.run_number_from_filename``)
_RUNS = re.compile(r"(?:run|tid)(\d+)")


def place(body: CommunityBody, transformation: int) -> OutputPlace | None:
    """Return where to look; None: the place of its files is unknown before the jobs run."""
    kind = of_class(body.job_class)
    if kind is None:
        return None
    given = dict(body.settings)
    folder = str(given.get("output_data_type") or kind.attributes.get("output_type", "Data"))
    directory = output_directory(body, transformation)
    if not directory:
        return None
    counted = bool(kind.leaves) and "data_output_pattern" not in given
    return OutputPlace(f"{directory}/{folder}", kind.leaves == "one", counted)


def signed_by(jobs: Iterable[int]) -> MetaQuery:
    """Return the query for files of these jobs."""
    return MetaQuery.parse({JOB: [str(job) for job in sorted(jobs)]})


def trace(lfn: str, metadata: Mapping[str, Any]) -> Trace:
    """Return the trace in a file's own metadata."""
    job = str(metadata.get(JOB) or "")
    if not job.isdigit():
        return Trace(0, runs_of(lfn))
    run = str(metadata.get(RUN) or "")  # below zero: the file's name has no run number
    return Trace(int(job), frozenset({int(run)} if run.isdigit() else ()))


def runs_of(lfn: str) -> frozenset[int]:
    """Return the run numbers in a file's name."""
    return frozenset(int(number) for number in _RUNS.findall(lfn.rpartition("/")[2]))


def left(
    where: OutputPlace,
    lfn: str,
    inputs: Collection[str],
    own: Sequence[Trace],
    others: Iterable[Trace],
) -> Outputs:
    """Return which outputs exist that a task made of one of its files.

    :param inputs: all files that the task was given; empty: unknown.
    :param own: files that its job left.
    :param others: files at that place that name no job.
    """
    if own and (where.one or len(inputs) == 1):
        return "all" if where.counted else "some"
    runs = runs_of(lfn)
    if own and inputs and len(runs) == 1:
        found = _of_run(where, runs, inputs, own)
        if found != "none":
            return found
    elif own:
        return "some"  # their input is unknown
    doubtful = any(where.one or len(runs) != 1 or not t.runs or runs & t.runs for t in others)
    return "unsigned" if doubtful else "none"


def _of_run(
    where: OutputPlace, runs: frozenset[int], inputs: Collection[str], own: Sequence[Trace]
) -> Outputs:
    """Match by run number; inputs with the same number cannot be distinguished further."""
    wanted = sum(runs_of(lfn) == runs for lfn in inputs)
    made = Counter(trace.runs for trace in own)
    if wanted and made[runs] >= wanted:
        return "all" if where.counted else "some"
    return "some" if made[runs] or made[frozenset()] else "none"
