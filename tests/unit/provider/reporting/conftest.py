"""A ledger in a SQLite file that the deployment's configuration names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dirac_prodsys.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path}/ledger.db"
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", "")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_URL", url)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SPOOL", str(tmp_path / "spool"))
    found = Ledger.at(url)
    yield found
    found.close()
