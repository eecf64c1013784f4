"""A production whose file is gone stays as long as Airflow has a run of it, and costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.provider.bundle import ProductionsDagBundle, sources
from dirac_prodsys.provider.bundle import bundle as bundle_module
from dirac_prodsys.provider.bundle.database import other_owners, with_runs
from tests.unit.provider.conftest import TWO_STEPS

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sources, "SETTLE", 0)
    monkeypatch.setattr(sources, "COARSE", 0)
    monkeypatch.setattr(bundle_module, "RETIRED_CHECK", -1)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "store"))
    path = tmp_path / "productions"
    path.mkdir()
    return path


@pytest.fixture
def database(airflow_database: Path) -> Iterator[Any]:
    """Airflow's, with the DAG ``two`` of the bundle ``b``."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        served = DagBundleModel(name="b")
        served.active = True
        session.merge(served)
        session.flush()
        session.merge(DagModel(dag_id="two", bundle_name="b", is_stale=False))
    yield create_session
    with create_session() as session:
        session.query(DagRun).filter(DagRun.dag_id == "two").delete()
        session.delete(session.get(DagModel, "two"))


def add_run(database: Any, state: str, ended: datetime | None) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.types import DagRunType

    with database() as session:
        kind, moment = DagRunType.MANUAL, NOW - timedelta(days=9)
        run = DagRun(
            dag_id="two", run_id=f"r-{state}", run_type=kind, state=state, run_after=moment
        )
        run.end_date = ended
        session.add(run)


def opened(folder: Path, **more: Any) -> ProductionsDagBundle:
    bundle = ProductionsDagBundle(name="b", productions=str(folder), **more)
    bundle.initialize()
    return bundle


def retire(folder: Path, bundle: ProductionsDagBundle) -> None:
    (folder / "two.yaml").unlink()
    bundle.refresh()


def test_it_stays_when_its_last_run_has_ended_and_goes_with_its_runs(
    folder: Path, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.dagrun import DagRun

    (folder / "two.yaml").write_text(TWO_STEPS)
    (folder / "other.yaml").write_text(TWO_STEPS.replace("two", "other"))
    bundle = opened(folder)
    add_run(database, "success", NOW - timedelta(days=8))
    retire(folder, bundle)
    assert b"two.yaml is gone" in (bundle.path / "two.py").read_bytes()

    scans: list[str] = []
    scan = bundle._folder.scan  # what costs something: reading, storing, comparing
    monkeypatch.setattr(bundle._folder, "scan", lambda: scans.append("") or scan())
    bundle.refresh()
    bundle.refresh()
    assert scans == []

    with database() as session:  # by deleting the DAG in Airflow
        session.query(DagRun).filter(DagRun.dag_id == "two").delete()
    bundle.refresh()
    assert not (bundle.path / "two.py").exists()
    assert (bundle.path / "other.py").exists()


def test_one_that_never_ran_goes_at_once(folder: Path, database: Any) -> None:
    (folder / "two.yaml").write_text(TWO_STEPS)
    bundle = opened(folder)
    retire(folder, bundle)
    assert not (bundle.path / "two.py").exists()


@pytest.mark.parametrize(("days", "stays"), [(7, False), (30, True)])
def test_a_site_may_limit_how_long_it_stays(
    folder: Path, database: Any, days: int, stays: bool
) -> None:
    (folder / "two.yaml").write_text(TWO_STEPS)
    bundle = opened(folder, keep_retired_days=days)
    add_run(database, "failed", NOW - timedelta(days=8))
    retire(folder, bundle)
    assert (bundle.path / "two.py").exists() is stays


def test_a_run_that_goes_on_keeps_it_whatever_the_limit(folder: Path, database: Any) -> None:
    add_run(database, "running", None)
    assert with_runs(["two"], NOW + timedelta(days=1)) == {"two"}


def test_another_bundle_may_have_its_name_when_no_run_is_unfinished(database: Any) -> None:
    from airflow.models.dag import DagTag

    add_run(database, "success", NOW)
    assert other_owners("c", ["two"]) == {"two": "b"}
    with database() as session:
        session.add(DagTag(name="retired", dag_id="two"))
    assert other_owners("c", ["two"]) == {}
    add_run(database, "running", None)
    assert other_owners("c", ["two"]) == {"two": "b"}


def test_it_is_given_up_when_another_bundle_has_taken_its_name(folder: Path, database: Any) -> None:
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel

    (folder / "two.yaml").write_text(TWO_STEPS)
    bundle = opened(folder)
    add_run(database, "success", NOW)
    retire(folder, bundle)
    assert (bundle.path / "two.py").exists()
    with database() as session:
        taker = DagBundleModel(name="taker")
        taker.active = True
        session.merge(taker)
        session.flush()
        session.get(DagModel, "two").bundle_name = "taker"
    bundle.refresh()
    assert not (bundle.path / "two.py").exists()


def test_a_stub_that_tells_an_error_is_not_written_again(folder: Path, database: Any) -> None:
    (folder / "two.yaml").write_text(TWO_STEPS)
    bundle = opened(folder)
    (folder / "two.yaml").write_text("version: [\n")
    bundle.refresh()
    stub = bundle.path / "two.py"
    assert b"two.yaml has an error" in stub.read_bytes()
    state = stub.stat().st_ino
    (folder / "other.yaml").write_text(TWO_STEPS.replace("two", "other"))
    bundle.refresh()
    assert (bundle.path / "other.py").exists()
    assert stub.stat().st_ino == state
    # and by a process that starts later
    assert opened(folder).get_current_version() == bundle.get_current_version()
    assert stub.stat().st_ino == state
