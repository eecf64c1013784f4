"""Decides what a step removes, and whether somebody of the site must agree to it first.

Invariant: what counts is what the request does, never the name of its type; a number that cannot be
counted counts as large.
"""

from __future__ import annotations

from dataclasses import dataclass

from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.site.file import RemovalApproval
from dirac_prodsys.core.steps import removals
from dirac_prodsys.core.steps.step_plan import StepPlan

#: operations that remove a file, or a copy of it
REMOVING = removals.OF_FILES | removals.OF_REPLICAS | removals.OF_SOURCES

_TERABYTE = 10**12


@dataclass(frozen=True)
class Share:
    """The extent of a removal.

    :param files: number of files; ``bytes``: their size.
    :param known: whether no more files can come: a step that starts before its parents are complete
        removes uncounted files.
    """

    files: int
    bytes: int
    known: bool = True


def removing(spec: TransformationSpec) -> tuple[str, ...]:
    """Return the operations of a transformation that remove something, each once."""
    types = (operation.type for operation in removals.operations(spec))
    return tuple(dict.fromkeys(each for each in types if each in REMOVING))


def unbounded(step: StepPlan) -> bool:
    """Whether a step removes files without a condition that bounds them: any file may match."""
    spec = step.transformation
    listed = spec.files or step.sample or step.verified_at or step.awaits
    query = spec.input_query or MetaQuery()
    return bool(removing(spec)) and not listed and removals.unbounded(query)


def must_ask(rule: RemovalApproval | None, share: Share) -> bool:
    """Whether the rule of a virtual organisation requires an answer before this is removed."""
    if rule is None:
        return False
    if rule.above_files is None and rule.above_terabytes is None:
        return True
    if not share.known:
        return True
    many = rule.above_files is not None and share.files > rule.above_files
    most = rule.above_terabytes
    return many or (most is not None and share.bytes > most * _TERABYTE)
