"""Says which transformation a record is about."""

from __future__ import annotations

from typing import NamedTuple

from dirac_prodsys.core.reports.ledger.record import Record


class Identity(NamedTuple):
    """A transformation of a step.

    Its ID alone does not do: IDs begin anew when a database does.
    """

    vo: str
    production: str
    run: str
    step: str
    transformation: int | None
    name: str

    @property
    def label(self) -> str:
        """Return what people call it: its step, or its name."""
        return self.step or self.name or str(self.transformation or "-")


def identity_of(record: Record) -> Identity:
    """Return the transformation that a record is about."""
    return Identity(
        record.vo,
        record.production,
        record.run,
        record.step,
        record.transformation,
        record.name,
    )
