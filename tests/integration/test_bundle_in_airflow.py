"""The bundle under Airflow's own loader: one file's mistake is that file's alone; runs keep
theirs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.provider.bundle import ProductionsDagBundle, sources
from dirac_prodsys.provider.bundle import bundle as bundle_module
from dirac_prodsys.provider.bundle.database import stored_lately, versions_in_use, with_runs
from dirac_prodsys.provider.dag_builder import build_dag
from tests.integration.test_drawn_by_airflow import served
from tests.patience import patience

YAML = """
version: 1
production: {{name: {name}, vo: sim}}
steps:
  make:
    type: MCSimulation
    tasks: {tasks}
    job: {{type: script, executable: make-it}}
    output:
      directory: /sim/{name}/${{{{ run }}}}/make
      se: DISK-A-SE
      metadata: {{production: {name}, run: "${{{{ run }}}}", step: make}}
      files: ["made_@{{JOB_ID}}.dat"]
"""

Open = Callable[..., ProductionsDagBundle]


def text(name: str, tasks: int = 3) -> str:
    return YAML.format(name=name, tasks=tasks)


@pytest.fixture(autouse=True)
def no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SETTLE", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "productions"
    path.mkdir()
    return path


@pytest.fixture
def open_bundle(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens the bundle as another process would: a new object on the same storage."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "store"))

    def open_(version: str | None = None) -> ProductionsDagBundle:
        bundle = ProductionsDagBundle(name="b", productions=str(folder), version=version)
        bundle.initialize()
        return bundle

    return open_


def load(bundle: ProductionsDagBundle) -> tuple[dict[str, Any], dict[str, str]]:
    """DAGs and import errors, as the DAG processor finds them."""
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    errors = {Path(file).name: message for file, message in bag.import_errors.items()}
    return dict(bag.dags), errors


def version(bundle: ProductionsDagBundle) -> str:
    current = bundle.get_current_version()
    assert current is not None
    return current.version


def tasks_wanted(dag: Any) -> int | None:
    return dag.get_task("prepare.create.make").production.step("make").tasks


def test_each_file_is_a_dag_and_a_mistake_is_its_own(folder: Path, open_bundle: Open) -> None:
    (folder / "a.yaml").write_text(text("a"))
    (folder / "b.yml").write_text(text("b"))
    (folder / "bad.yaml").write_text(text("bad").replace("tasks: 3", "tusks: 3"))
    (folder / "dup.yaml").write_text(text("a"))
    dags, errors = load(open_bundle())
    assert set(dags) == {"a", "b"}
    assert set(errors) == {"bad.yaml.py", "dup.yaml.py"}
    assert errors["bad.yaml.py"].startswith("bad.yaml:7:5: ")
    assert "already defined by a.yaml" in errors["dup.yaml.py"]


def test_a_broken_file_keeps_its_last_good_dag(folder: Path, open_bundle: Open) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    (folder / "a.yaml").write_text("version: [")
    bundle.refresh()
    dags, errors = load(bundle)
    assert tasks_wanted(dags["a"]) == 3
    assert list(errors) == ["a.yaml.py"]
    assert "file has an error" in dags["a"].tags
    assert str(dags["a"].doc_md).startswith("> **a.yaml has an error** since 2")
    served = (bundle.path / "a.py").read_bytes()
    (folder / "b.yaml").write_text(text("b"))
    bundle.refresh()
    assert (bundle.path / "a.py").read_bytes() == served
    (folder / "b.yaml").unlink()
    (folder / "a.yaml").write_text(text("a", tasks=5))
    bundle.refresh()
    dags, errors = load(bundle)
    assert tasks_wanted(dags["a"]) == 5
    assert errors == {}


def test_the_last_good_dag_survives_a_restart(folder: Path, open_bundle: Open) -> None:
    (folder / "a.yaml").write_text(text("a"))
    open_bundle()
    (folder / "a.yaml").write_text("version: [")
    dags, errors = load(open_bundle())
    assert set(dags) == {"a"}
    assert list(errors) == ["a.yaml.py"]


def test_a_run_stays_on_the_version_it_began_with(folder: Path, open_bundle: Open) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    began_with = version(bundle)
    (folder / "a.yaml").write_text(text("a", tasks=9))
    bundle.refresh()
    assert version(bundle) != began_with
    pinned, _ = load(open_bundle(began_with))
    latest, _ = load(bundle)
    assert (tasks_wanted(pinned["a"]), tasks_wanted(latest["a"])) == (3, 9)


def test_a_renamed_file_keeps_the_path_that_old_runs_look_up(
    folder: Path, open_bundle: Open
) -> None:
    (folder / "old.yaml").write_text(text("a"))
    bundle = open_bundle()
    before = {path.name for path in bundle.path.iterdir()}
    (folder / "old.yaml").rename(folder / "new.yaml")
    bundle.refresh()
    assert {path.name for path in bundle.path.iterdir()} == before


def test_airflows_own_clean_up_does_not_cost_a_waiting_run_its_version(
    folder: Path, open_bundle: Open
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    began_with = version(bundle)
    (folder / "a.yaml").write_text(text("a", tasks=9))
    bundle.refresh()
    shutil.rmtree(bundle.versions_dir / began_with)
    pinned, _ = load(open_bundle(began_with))
    assert tasks_wanted(pinned["a"]) == 3


def test_a_version_that_is_nowhere_is_a_clear_error(folder: Path, open_bundle: Open) -> None:
    with pytest.raises(RuntimeError, match="dag_bundle_storage_path"):
        open_bundle("feedbeef")


def test_a_worker_without_shared_storage_rebuilds_the_current_version(
    folder: Path, open_bundle: Open, tmp_path: Path
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    began_with = version(open_bundle())
    shutil.rmtree(tmp_path / "store")
    pinned, _ = load(open_bundle(began_with))
    assert set(pinned) == {"a"}


def test_nothing_changed_costs_no_reading_and_no_writing(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    bundle.refresh()

    def refuse(*_: Any) -> None:
        raise AssertionError("a quiet refresh must not come here")

    monkeypatch.setattr(ProductionsDagBundle, "_refresh", refuse)
    bundle.refresh()


def test_an_unreadable_folder_changes_nothing_and_is_reported_once(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    before = version(bundle)
    lines: list[str] = []
    monkeypatch.setattr(bundle_module.log, "error", lambda line, *a: lines.append(line % a))
    folder.rename(folder.with_name("away"))
    for _ in range(3):
        bundle.refresh()
    assert version(bundle) == before
    assert set(load(bundle)[0]) == {"a"}
    assert len(lines) == 1
    assert "cannot be read" in lines[0]


def test_a_refresh_that_fails_is_an_import_error_until_one_succeeds(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    folder.rename(folder.with_name("away"))
    bundle.refresh()
    dags, errors = load(bundle)
    assert set(dags) == {"a"}
    assert set(errors) == {"refresh.error.py"}
    assert f"{folder} cannot be read or served: No such file" in errors["refresh.error.py"]
    folder.with_name("away").rename(folder)
    bundle.refresh()
    assert load(bundle)[1] == {}

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(bundle_module.Versions, "keep", full)
        (folder / "b.yaml").write_text(text("b"))
        bundle.refresh()
        dags, errors = load(bundle)
        assert set(dags) == {"a"}
        assert "No space left on device" in errors["refresh.error.py"]
    bundle.refresh()
    dags, errors = load(bundle)
    assert (set(dags), errors) == ({"a", "b"}, {})


@pytest.mark.parametrize("damage", ["empty", "half", "folder", "list", "gone"])
def test_a_damaged_index_costs_no_production_its_last_good_text(
    folder: Path, open_bundle: Open, damage: str
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    (folder / "b.yaml").write_text(text("b"))
    bundle = open_bundle()
    (folder / "a.yaml").write_text("version: [")
    bundle.refresh()
    index = bundle.base_dir / "index.json"
    data = index.read_bytes()
    index.unlink()
    if damage == "folder":
        (index / "x").mkdir(parents=True)
    elif damage != "gone":
        index.write_bytes({"empty": b"", "half": data[: len(data) // 2], "list": b"[]"}[damage])
    dags, errors = load(open_bundle())
    assert set(dags) == {"a", "b"}
    assert list(errors) == ["a.yaml.py"]
    assert json.loads(index.read_bytes())["productions"].keys() == {"a", "b"}


def test_what_stands_in_the_way_in_the_served_folder_is_cleared_away(
    folder: Path, open_bundle: Open
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    for name in ("a.py", "stray.py"):
        with contextlib.suppress(FileNotFoundError):
            (bundle.path / name).unlink()
        (bundle.path / name / "x").mkdir(parents=True)
    (folder / "a.yaml").write_text(text("a", tasks=4))
    bundle.refresh()
    dags, errors = load(bundle)
    assert tasks_wanted(dags["a"]) == 4
    assert errors == {}
    assert not (bundle.path / "stray.py").exists()


def test_a_folder_that_is_not_mounted_retires_nothing_and_is_reported(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "with_runs", lambda ids, since: set())
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    folder.rename(folder.with_name("volume"))
    folder.mkdir()
    for opened in (bundle, open_bundle()):
        opened.refresh()
        dags, errors = load(opened)
        assert set(dags) == {"a"}
        assert "retired" not in dags["a"].tags
        assert "is its volume mounted?" in errors["refresh.error.py"]
    folder.rmdir()
    folder.with_name("volume").rename(folder)
    bundle.refresh()
    dags, errors = load(bundle)
    assert (set(dags), errors) == ({"a"}, {})


def test_files_that_are_all_deleted_are_retired_and_reported(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    lines: list[str] = []
    monkeypatch.setattr(bundle_module.log, "warning", lambda line, *a: lines.append(line % a))
    monkeypatch.setattr(bundle_module, "with_runs", lambda ids, since: set(ids))
    (folder / "a.yaml").unlink()
    bundle.refresh()
    assert "retired" in load(bundle)[0]["a"].tags
    assert len(lines) == 1
    assert "all files are gone" in lines[0]


def test_a_dag_that_another_bundle_has_is_not_taken_over(
    folder: Path, open_bundle: Open, airflow_database: Path
) -> None:
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        for bundle, active, dag in (("dags-folder", True, "theirs"), ("as-it-was", False, "ours")):
            model = DagBundleModel(name=bundle)
            model.active = active
            session.merge(model)
            session.flush()
            session.merge(DagModel(dag_id=dag, bundle_name=bundle, is_stale=False))
    (folder / "a.yaml").write_text(text("theirs"))
    (folder / "b.yaml").write_text(text("ours"))
    (folder / "c.yaml").write_text(text("production_operations"))
    dags, errors = load(open_bundle())
    assert set(dags) == {"ours"}
    assert "already defined by bundle 'dags-folder'" in errors["a.yaml.py"]
    assert "a DAG of dirac_prodsys itself" in errors["c.yaml.py"]


def configure(patch: pytest.MonkeyPatch, *names: str) -> None:
    """Let these bundles of ours be the configured ones."""
    classpath = "dirac_prodsys.provider.bundle.ProductionsDagBundle"
    bundles = [{"name": name, "classpath": classpath, "kwargs": {}} for name in names]
    patch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))


def test_the_actions_come_with_the_first_of_our_bundles(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "other_owners", lambda *_: {})
    (folder / "a.yaml").write_text(text("a"))
    configure(monkeypatch, "b", "c")
    bundle = open_bundle()
    dags, errors = load(bundle)
    assert (set(dags), errors) == ({"a", DAG_ID}, {})
    offered = dags[DAG_ID].params.get_param("production").schema["examples"]
    assert offered == ["a"]
    configure(monkeypatch, "c", "b")
    (folder / "a.yaml").write_text(text("a", tasks=4))
    bundle.refresh()
    assert set(load(bundle)[0]) == {"a"}


def test_the_actions_are_read_again_when_a_production_comes_and_not_when_one_is_edited(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "other_owners", lambda *_: {})
    (folder / "a.yaml").write_text(text("a"))
    configure(monkeypatch, "b")
    bundle = open_bundle()
    stub = bundle.path / f"{DAG_ID}.py"
    os.utime(stub, (1, 1))
    (folder / "a.yaml").write_text(text("a", tasks=4))
    bundle.refresh()
    assert stub.stat().st_mtime == 1
    (folder / "c.yaml").write_text(text("c"))
    bundle.refresh()
    assert stub.stat().st_mtime > 1


def test_the_actions_of_another_bundle_go_on_until_they_are_gone(
    folder: Path, open_bundle: Open, airflow_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older copy of their file lies in the DAGs folder; then it is removed."""
    configure(monkeypatch, "b")
    monkeypatch.setattr(bundle_module, "RETIRED_CHECK", -1)
    (folder / "a.yaml").write_text(text("a"))
    dags_folder_has_the_actions(False)
    bundle = open_bundle()
    for has in (False, True, False):
        dags_folder_has_the_actions(has)
        bundle.refresh()
        assert set(load(bundle)[0]) == ({"a"} if has else {"a", DAG_ID})


def dags_folder_has_the_actions(has: bool) -> None:
    """Let Airflow have the DAG of actions from its DAGs folder, or have had it."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        model = DagBundleModel(name="dags-folder")
        model.active = True
        session.merge(model)
        session.flush()
        session.merge(DagModel(dag_id=DAG_ID, bundle_name="dags-folder", is_stale=not has))


def test_only_versions_that_no_run_has_are_taken_away(
    folder: Path,
    open_bundle: Open,
    airflow_database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    versions = [version(bundle)]
    for tasks in (4, 5):
        (folder / "a.yaml").write_text(text("a", tasks=tasks))
        bundle.refresh()
        versions.append(version(bundle))
    for path in (bundle.base_dir / "manifests").iterdir():
        os.utime(path, (1, 1))
    _, second, third = versions
    assert versions_in_use(bundle.name) is not None
    for in_use, left in ((None, versions), ({second}, [second, third])):
        monkeypatch.setattr(bundle_module, "versions_in_use", lambda name, found=in_use: found)
        monkeypatch.setattr(bundle_module, "CLEAN_UP", -1.0)
        bundle.refresh()
        assert [v for v in versions if bundle._versions._local.restore(v)] == left
    assert tasks_wanted(load(open_bundle(second))[0]["a"]) == 4


def test_a_deleted_file_keeps_its_dag_while_airflow_has_a_run_of_it(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    (folder / "b.yaml").write_text(text("b"))
    bundle = open_bundle()
    known = {"a"}
    monkeypatch.setattr(bundle_module, "with_runs", lambda ids, since: known & set(ids))
    monkeypatch.setattr(bundle_module, "RETIRED_CHECK", -1)
    (folder / "a.yaml").unlink()
    (folder / "b.yaml").unlink()
    bundle.refresh()
    dags, errors = load(bundle)
    assert set(dags) == {"a"}
    assert errors == {}
    assert "retired" in dags["a"].tags
    assert "a.yaml is gone" in str(dags["a"].doc_md)
    known.clear()
    bundle.refresh()
    assert load(bundle)[0] == {}


def test_a_process_that_may_not_ask_keeps_what_it_does_not_know(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    monkeypatch.setattr(bundle_module, "with_runs", lambda ids, since: None)
    (folder / "a.yaml").unlink()
    bundle.refresh()
    assert set(load(bundle)[0]) == {"a"}


def test_the_database_is_asked_for_runs(airflow_database: Path) -> None:
    assert with_runs(["never-seen"]) == set()
    assert with_runs(["never-seen"], datetime.now(UTC)) == set()


def test_a_changed_file_is_parsed_again_when_airflow_is_ready_to_store_it(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "stored_lately", lambda ids, seconds: set())
    (folder / "a.yaml").write_text(text("a"))
    bundle = open_bundle()
    (folder / "a.yaml").write_text(text("a", tasks=4))
    bundle.refresh()
    assert touched_later(bundle, monkeypatch) == ["a.py"]
    assert touched_later(bundle, monkeypatch) == []


def test_a_new_file_is_parsed_once(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[str]] = []

    def stored_lately(dag_ids: set[str], seconds: float) -> set[str] | None:
        asked.append(dag_ids)
        return {"b"}

    monkeypatch.setattr(bundle_module, "stored_lately", stored_lately)
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text(text(name))
    (folder / "bad.yaml").write_text("version: [")
    bundle = open_bundle()
    # what airflow had stored just before, it would drop
    assert touched_later(bundle, monkeypatch) == ["b.py"]
    assert [ids for ids in asked if ids] == [{"a", "b"}]


def test_a_new_file_is_parsed_again_where_nobody_knows_what_airflow_has_stored(
    folder: Path, open_bundle: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "stored_lately", lambda ids, seconds: None)
    (folder / "a.yaml").write_text(text("a"))
    assert touched_later(open_bundle(), monkeypatch) == ["a.py"]


def touched_later(bundle: ProductionsDagBundle, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stubs that look changed after a minute in which nothing happens."""
    stubs = sorted(bundle.path.glob("*.py"))
    for stub in stubs:
        os.utime(stub, (1, 1))
    clock = bundle_module.time.monotonic()
    monkeypatch.setattr(bundle_module.time, "monotonic", lambda: clock + 60)
    bundle.refresh()
    return [stub.name for stub in stubs if stub.stat().st_mtime > 1]


def test_the_database_is_asked_for_what_it_stored_lately(airflow_database: Path) -> None:
    dag = build_dag(load_production(text("stored"), "stored.yaml"))
    dag.fileloc = dag.relative_fileloc = "stored.py"
    served(dag)
    assert stored_lately(["stored", "never-seen"], 60) == {"stored"}
    assert stored_lately(["stored"], 0) == set()


@pytest.fixture
def nothing_stored(airflow_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the bundle know nothing of what other tests served, or Airflow stored just before."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "stored"))
    with create_session() as session:
        session.execute(
            update(SerializedDagModel).values(last_updated=datetime(2026, 1, 1, tzinfo=UTC))
        )


@pytest.mark.usefixtures("nothing_stored")
def test_the_dag_processor_parses_a_new_file_once_and_an_edited_one_once_more(
    productions_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "_update_interval", lambda: 2.0)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL", "0")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL", "3600")
    (productions_folder / "calm.yaml").write_text(text("calm"))
    (productions_folder / "busy.yaml").write_text(text("busy"))
    processor = Processor()
    processor.work(until=lambda: processor.parses == {"busy": 1, "calm": 1, DAG_ID: 1})
    (productions_folder / "busy.yaml").write_text(text("busy", tasks=4))
    processor.work(until=lambda: processor.parses["busy"] == 3)
    processor.work(4)
    assert processor.parses == {"busy": 3, "calm": 1, DAG_ID: 1}


@pytest.mark.usefixtures("nothing_stored")
def test_a_file_is_parsed_no_more_often_after_a_callback_of_one_of_its_runs(
    productions_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.callbacks.callback_requests import DagCallbackRequest

    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL", "0")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL", "3600")
    (productions_folder / "lost.yaml").write_text(text("lost"))
    processor = Processor()
    processor.work(until=lambda: processor.parses == {"lost": 1, DAG_ID: 1})
    bundle = next(iter(processor.manager._dag_bundles))
    request = DagCallbackRequest(
        filepath="lost.py",
        bundle_name="productions",
        bundle_version=version(bundle),
        dag_id="lost",
        run_id="run",
        is_failure_callback=True,
        msg="a worker died",
    )
    processor.manager._add_callback_to_queue(request)
    processor.work(until=lambda: len(processor.files) == 3)
    processor.work(3)
    assert processor.parses == {"lost": 1, DAG_ID: 1}


class Processor:
    """Airflow's DAG processor in this process, a turn of its loop at a time."""

    def __init__(self) -> None:
        from airflow.dag_processing.manager import DagFileProcessorManager

        self.manager = DagFileProcessorManager(max_runs=-1, bundle_names_to_parse=["productions"])
        self.manager.prepare_process_context()
        self.manager.prepare_bundles()
        self.known: dict[str, set[Any]] = {}
        #: all files that it worked on; one with a version was there for a callback
        self.files: set[Any] = set()

    @property
    def parses(self) -> dict[str, int]:
        """How often each file was parsed."""
        return {
            file.rel_path.stem: stat.run_count
            for file, stat in self.manager._file_stats.items()
            if file.bundle_version is None
        }

    def work(self, seconds: float = 0, until: Callable[[], bool] = lambda: False) -> None:
        """Turn after turn, for so long or until something holds."""
        end = time.monotonic() + (seconds or patience(60))
        while not until() and time.monotonic() < end:
            self.manager._refresh_dag_bundles(known_files=self.known)
            if not self.manager._file_queue:
                self.manager.prepare_file_queue(known_files=self.known)
            self.manager._start_new_processes()
            self.manager._service_processor_sockets(timeout=0.1)
            self.manager._collect_results()
            self.files |= {*self.manager._file_stats}


def test_a_changed_text_makes_its_stub_look_changed(folder: Path, open_bundle: Open) -> None:
    (folder / "a.yaml").write_text(text("a"))
    (folder / "b.yaml").write_text(text("b"))
    bundle = open_bundle()
    for name in ("a.py", "b.py"):
        os.utime(bundle.path / name, (1, 1))
    (folder / "a.yaml").write_text(text("a", tasks=4))
    bundle.refresh()
    assert (bundle.path / "a.py").stat().st_mtime > 1
    assert (bundle.path / "b.py").stat().st_mtime == 1


def test_two_processes_on_one_storage_serve_the_same(folder: Path, open_bundle: Open) -> None:
    (folder / "a.yaml").write_text(text("a"))
    one, two = open_bundle(), open_bundle()
    (folder / "a.yaml").write_text(text("a", tasks=4))
    two.refresh()
    one.refresh()
    assert version(one) == version(two)
    index = json.loads((one.base_dir / "index.json").read_bytes())
    assert index["version"] == version(one)


def test_what_a_bomb_or_a_trap_costs_is_one_import_error(folder: Path, open_bundle: Open) -> None:
    (folder / "a.yaml").write_text(text("a"))
    laugh = "\n".join(
        ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    )
    (folder / "bomb.yaml").write_text(laugh)
    (folder / "deep.yaml").write_text("[" * 5000)
    (folder / "twice.yaml").write_text(text("t") + "version: 1\n")
    (folder / "cycle.yaml").write_text(text("c").replace("tasks: 3", "input: {from: make}"))
    (folder / "empty.yaml").touch()
    dags, errors = load(open_bundle())
    assert set(dags) == {"a"}
    names = ["bomb", "deep", "twice", "cycle", "empty"]
    assert set(errors) == {f"{name}.yaml.py" for name in names}
    for file, message in errors.items():
        assert message.startswith(file.removesuffix(".py"))
