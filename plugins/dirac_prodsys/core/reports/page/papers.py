"""Holds what the ledger says of one run, beyond what the list shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    CommentRecord,
    DefinitionRecord,
    DriftRecord,
    PlanRecord,
    StorageRecord,
)

#: kinds of records of which the story of a run consists
STORY = ("run", "act", "verdict", "action", "notice", "event", "dataset", "comment", "drift")
#: kinds of records that are read for a run
KINDS = (*STORY, "plan", "storage")


@dataclass(frozen=True)
class Papers:
    """The records of a run.

    :param story: what happened, the oldest first.
    :param storage: of each step, where its output is.
    :param before: definition of the run before; None: there is none, or it is unknown.
    :param before_run: tag of that run.
    """

    plan: PlanRecord | None = None
    definition: DefinitionRecord | None = None
    before: DefinitionRecord | None = None
    before_run: str = ""
    story: tuple[Record, ...] = ()
    storage: tuple[StorageRecord, ...] = ()

    def comments(self) -> list[CommentRecord]:
        """Return the newest comment about each thing; one that was withdrawn is left out."""
        newest: dict[tuple[str, str, str], CommentRecord] = {}
        for record in self.story:
            if isinstance(record, CommentRecord):
                newest[record.dataset, record.run, record.step] = record
        return [one for one in newest.values() if one.text]

    def drift(self) -> list[DriftRecord]:
        """Return the newest difference of each kind."""
        newest: dict[tuple[str, str], DriftRecord] = {}
        for record in self.story:
            if isinstance(record, DriftRecord):
                newest[record.subject, record.what] = record
        return list(newest.values())

    def storage_of(self, step: str) -> StorageRecord | None:
        """Return where the output of a step was seen last."""
        own = [one for one in self.storage if one.step == step]
        return max(own, key=lambda one: one.at, default=None)


def papers_of(
    records: Iterable[Record],
    definition: DefinitionRecord | None = None,
    before: DefinitionRecord | None = None,
    before_run: str = "",
) -> Papers:
    """Sort the records of a run."""
    plan: PlanRecord | None = None
    story: list[Record] = []
    storage: list[StorageRecord] = []
    for record in records:
        if isinstance(record, PlanRecord):
            plan = record if plan is None or plan.at <= record.at else plan
        elif isinstance(record, StorageRecord):
            storage.append(record)
        elif record.kind in STORY:
            story.append(record)
    return Papers(plan, definition, before, before_run, tuple(story), tuple(storage))
