"""What ``dirac-prodsys doctor`` checks of a grid on which dice are thrown."""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.doctor.check import Check, Trouble
from dirac_prodsys.core.doctor.facts import Facts, known
from dirac_prodsys.core.doctor.grid_settings import grid_of

_TABLE = "TABLE-SE"


def _table(facts: Facts) -> Iterator[Trouble]:
    if _TABLE not in known(grid_of(facts).inventory).storage_elements:
        yield Trouble(f"there is no storage element {_TABLE} to throw dice on")


CHECKS = (
    Check(
        "dice-table",
        "there is a storage element to throw dice on",
        "warning",
        _table,
        "let the grid's manager add it",
    ),
)
