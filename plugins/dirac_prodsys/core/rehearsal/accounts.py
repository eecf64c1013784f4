"""Compares what the catalogue, the ledger and Airflow's event say of one dataset.

Invariant: pure. What one of them does not know differs from nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Account:
    """What one of them says of a dataset; None: it does not say.

    :param checksum: of the list of its files.
    """

    files: int | None = None
    bytes: int | None = None
    events: float | None = None
    checksum: str | None = None
    frozen: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


#: who says it, the catalogue first: its answer is what a user gets
CATALOGUE, LEDGER, EVENT = "the catalogue", "the ledger", "the asset event"


def disagreements(accounts: Mapping[str, Account | None]) -> Iterator[str]:
    """Yield in words what differs.

    :param accounts: who → what it says; None: it says nothing, though it should.
    """
    first, *others = accounts
    for who in others:
        one, other = accounts[first], accounts[who]
        if one is None or other is None:
            yield f"{first if one is None else who} does not have it"
            continue
        for name in Account.__dataclass_fields__:
            here, there = getattr(one, name), getattr(other, name)
            if None not in (here, there) and here != there:
                yield f"{name}: {first} has {here}, and {who} {there}"
