"""What CTAO's jobs have left in the catalogue: of which job it is, and of which input it was made.

Their bodies name no output. But each job uploads below the directory of its transformation, and
writes the ID of the job (``jobID``) and a run number (``runNumber``) to every file as metadata of
its own (``ProdDataManager.putAndRegister``). Files of one run number are made of each other: by
that rule the job itself sets its inputs Processed (``cta_prod_managedata.py``, 3.1.0).

Invariant: all is said to be there only where that is certain; a file that names no job may be
anybody's, so it never counts as missing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.ctao.directories import output_directory
from dirac_prodsys.core.ctao.job_types import of_class
from dirac_prodsys.core.grid.specs import CtaoSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.recovery.decisions import Outputs

JOB, RUN = "jobID", "runNumber"

#: files that were registered, and whose job ended before it said that they are its own
UNSIGNED = MetaQuery.parse({JOB: "Missing"})

#: numbers of runs in a file's name, as CTADIRAC reads them (``tool_box.run_number_from_filename``)
_RUNS = re.compile(r"(?:run|tid)(\d+)")


@dataclass(frozen=True)
class Place:
    """Where the jobs of a transformation leave their data.

    :param one: a task leaves one file, however many it takes; else one for each that it takes.
    :param counted: whether that is so; a simulation leaves as many as it likes, and the pattern of
        uploaded files may have been written anew.
    """

    directory: str
    one: bool
    counted: bool = True


@dataclass(frozen=True)
class Trace:
    """A file that some job left.

    :param job: its JobID; 0: it names none.
    :param runs: its run number; empty: it is not known; of a file that names no job, all numbers
        that its name holds.
    """

    job: int
    runs: frozenset[int]


def place(body: CtaoSpec, transformation: int) -> Place | None:
    """Where to look; None: where its jobs leave their files is not known before they run."""
    kind = of_class(body.job_class)
    if kind is None:
        return None
    given = dict(body.settings)
    folder = str(given.get("output_data_type") or kind.attributes.get("output_type", "Data"))
    directory = output_directory(body, transformation)
    if not directory:
        return None
    counted = bool(kind.leaves) and "data_output_pattern" not in given
    return Place(f"{directory}/{folder}", kind.leaves == "one", counted)


def signed_by(jobs: Iterable[int]) -> MetaQuery:
    """The query for files of these jobs."""
    return MetaQuery.parse({JOB: [str(job) for job in sorted(jobs)]})


def trace(lfn: str, metadata: Mapping[str, Any]) -> Trace:
    """What a file with these metadata of its own tells."""
    job = str(metadata.get(JOB) or "")
    if not job.isdigit():
        return Trace(0, runs_of(lfn))
    run = str(metadata.get(RUN) or "")  # below zero: its name says none
    return Trace(int(job), frozenset({int(run)} if run.isdigit() else ()))


def runs_of(lfn: str) -> frozenset[int]:
    """The run numbers that the name of a file holds."""
    return frozenset(int(number) for number in _RUNS.findall(lfn.rpartition("/")[2]))


def left(
    where: Place, lfn: str, inputs: Collection[str], own: Sequence[Trace], others: Iterable[Trace]
) -> Outputs:
    """What there is of the output that a task made of one of its files.

    :param inputs: all files that the task was given; empty: not known.
    :param own: what its job left.
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
        return "some"  # of which input is not known
    doubtful = any(where.one or len(runs) != 1 or not t.runs or runs & t.runs for t in others)
    return "unsigned" if doubtful else "none"


def _of_run(
    where: Place, runs: frozenset[int], inputs: Collection[str], own: Sequence[Trace]
) -> Outputs:
    """By run number; inputs that share one are told apart by their number alone."""
    wanted = sum(runs_of(lfn) == runs for lfn in inputs)
    made = Counter(trace.runs for trace in own)
    if wanted and made[runs] >= wanted:
        return "all" if where.counted else "some"
    return "some" if made[runs] or made[frozenset()] else "none"
