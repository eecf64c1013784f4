"""Defines a row of the summary: one dataset, what it was when it was made, and what it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class SummaryRow:
    """One row. Pairs of numbers are: at production, and now; one number: they are the same.

    :param transformations: IDs in DIRAC; an ID may occur again in another row.
    :param dataset: name of the dataset; empty: there is none.
    :param run_ranges: ``1-5000``: run numbers of the files.
    :param files: number of files.
    :param events_per_file: events that were simulated for one file.
    :param events: number of events; :param target: how many were wanted.
    :param status: status of the transformations; several if they differ.
    :param query: how the dataset is selected: a meta query, or its name.
    :param bytes: size.
    :param comment: what a person wrote about it.
    :param vo: virtual organisation; the others say what made the dataset.
    """

    transformations: tuple[int, ...] = ()
    dataset: str = ""
    run_ranges: tuple[str, ...] = ()
    files: tuple[int, ...] = ()
    events_per_file: int | None = None
    events: tuple[float, ...] = ()
    target: float | None = None
    status: str = ""
    query: str | Mapping[str, Any] = ""
    bytes: tuple[int, ...] = ()
    comment: str = ""
    vo: str = ""
    campaign: str = ""
    productions: tuple[str, ...] = field(default=())
    runs: tuple[str, ...] = field(default=())
    steps: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> int:
        """Count the files that the dataset has lost since it was made."""
        return max(0, self.files[0] - self.files[-1]) if self.files else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: numbers as numbers; what is unknown is null, or an empty list."""
        return asdict(self)
