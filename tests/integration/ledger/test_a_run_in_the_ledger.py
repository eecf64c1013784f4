"""A run by Airflow's own tasks: the ledger has it when grid and Airflow have forgotten it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.reports.ledger.records import ActRecord, CountsRecord, PlanRecord
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.ledger.history import run_history
from dirac_prodsys.ledger.store import Ledger, Search
from dirac_prodsys.provider.reporting.ledger_settings import background
from tests.integration.dag_runs import DATASET, Run, completed, text


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"sqlite:///{tmp_path}/ledger.db"
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER", "")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_URL", found)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__LEDGER_SPOOL", str(tmp_path / "spool"))
    return found


def test_a_run_is_known_from_its_definition_to_its_dataset(
    url: str, run: Run, grid: MemoryGrid
) -> None:
    yaml = text(
        "kept", ("make", "tasks: 5"), ("merge", "input: {from: make}"), tail=DATASET % ("kept", 2)
    )
    dag_run = run(yaml)
    assert completed(dag_run)
    writer = background()
    assert writer is not None
    assert writer.drain(60)
    made = {number: one.row["TransformationName"] for number, one in grid.transformations.items()}
    grid.transformations.clear()  # as DIRAC does after a week

    ledger = Ledger.at(url)
    history = run_history(ledger, Search(production="kept"))
    assert history is not None
    assert history.row.state == "completed"
    assert {each.step.transformation: each.step.name for each in history.steps} == made
    last = [each.counts for each in history.steps]
    assert [each and each.status for each in last] == ["Completed"] * 2
    assert [each.files for each in last if each is not None] == [{}, {"Processed": 5}]
    before = [each for each in ledger.find(Search(("counts",))) if isinstance(each, CountsRecord)]
    assert [each.files for each in before if each.final] == [{}, {"Processed": 5}]
    (dataset,) = history.steps[1].datasets
    assert dataset.files == 2
    acts = [each for each in history.story if isinstance(each, ActRecord)]
    for act in ("create", "start", "complete", "create_dataset"):
        assert {(each.step, each.phase) for each in acts if each.act == act} >= {
            ("merge", "before"),
            ("merge", "after"),
        }
    plans = list(ledger.find(Search(kinds=("plan",))))
    assert [isinstance(each, PlanRecord) for each in plans] == [True]
    (definition,) = ledger.find(Search(kinds=("definition",)))
    assert yaml in definition.to_dict()["text"]
    ledger.close()
