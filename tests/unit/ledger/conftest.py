"""A ledger in a SQLite file, and a spool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dirac_prodsys.ledger.spool import Spool
from dirac_prodsys.ledger.store import Ledger


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    found = Ledger.at(url)
    yield found
    found.close()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", reserve=0)
