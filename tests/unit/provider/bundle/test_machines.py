"""A DAG processor and workers on machines of their own, with a store between them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.provider.bundle import ProductionsDagBundle, sources
from dirac_prodsys.provider.bundle import bundle as bundle_module
from dirac_prodsys.provider.bundle.shared_store import StoreAway
from tests.unit.provider.bundle.shared_places import Place, place
from tests.unit.provider.conftest import TWO_STEPS

__all__ = ["place"]

BROKEN = "version: ["
EDITED = TWO_STEPS.replace("tasks: 6", "tasks: 7")

Open = Callable[..., ProductionsDagBundle]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sources, "SETTLE", 0)
    monkeypatch.setattr(sources, "COARSE", 0)
    monkeypatch.setattr(bundle_module, "with_runs", lambda ids, since: set(ids))
    path = tmp_path / "productions"
    path.mkdir()
    (path / "two.yaml").write_text(TWO_STEPS)
    return path


@pytest.fixture
def on(
    tmp_path: Path, folder: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    """Opens the bundle on a machine; only the DAG processor's has the users' folder."""

    def open_(machine: str, version: str | None = None, **more: Any) -> ProductionsDagBundle:
        storage = str(tmp_path / machine)
        monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", storage)
        productions = folder if version is None else folder / "is elsewhere"
        kwargs = {"name": "b", "productions": str(productions), "store": place.url, **more}
        bundle = ProductionsDagBundle(**kwargs, version=version)
        bundle.initialize()
        return bundle

    return open_


@contextlib.contextmanager
def away(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """No machine reaches the store in the block; yields the calls that tried to."""
    tries: list[str] = []

    def refuse(_files: Any, path: str, *_: Any, **__: Any) -> None:
        tries.append(path)
        raise ConnectionRefusedError(111, "Connection refused")

    with monkeypatch.context() as outage:
        for call in ("cat_file", "pipe_file"):
            outage.setattr(type(place.files), call, refuse)
        yield tries


def version(bundle: ProductionsDagBundle) -> str:
    current = bundle.get_current_version()
    assert current is not None
    return current.version


def text(bundle: ProductionsDagBundle) -> str:
    return (bundle.path / "two.yaml").read_text()


def told(bundle: ProductionsDagBundle) -> str:
    stub = bundle.path / bundle_module.REFRESH_ERROR
    return stub.read_text() if stub.exists() else ""


def test_a_worker_runs_the_version_of_its_run_whatever_became_of_the_file(
    on: Open, folder: Path, tmp_path: Path
) -> None:
    processor = on("processor")
    versions = {version(processor): TWO_STEPS}
    (folder / "two.yaml").write_text(EDITED)
    processor.refresh()
    versions[version(processor)] = EDITED
    (folder / "two.yaml").write_text(BROKEN)
    processor.refresh()
    versions[version(processor)] = EDITED
    (folder / "two.yaml").unlink()
    processor.refresh()
    versions[version(processor)] = EDITED
    assert len(versions) == 4
    for worker in ("w1", "w2"):
        for began_with, expected in versions.items():
            assert text(on(worker, began_with)) == expected
    shutil.rmtree(tmp_path / "w1")
    for began_with, expected in versions.items():
        assert text(on("w1", began_with)) == expected


def test_without_a_store_an_edit_strands_a_worker_with_a_disk_of_its_own(
    on: Open, folder: Path
) -> None:
    processor = on("processor", store=None)
    began_with = version(processor)
    (folder / "two.yaml").write_text(EDITED)
    processor.refresh()
    with pytest.raises(RuntimeError, match="or give the bundle a store"):
        on("w1", began_with, store=None)


def test_a_store_that_is_configured_later_gets_the_versions_of_before(
    on: Open, folder: Path
) -> None:
    before = on("processor", store=None)
    began_with = version(before)
    (folder / "two.yaml").write_text(EDITED)
    before.refresh()
    on("processor").refresh()
    assert text(on("w1", began_with)) == TWO_STEPS


def test_a_version_that_is_not_in_the_store_is_told_with_the_way_out(on: Open) -> None:
    on("processor")
    with pytest.raises(RuntimeError, match=r"feedbeef[.]json is missing; the DAG"):
        on("w1", "feedbeef")


def test_no_version_is_served_that_the_store_has_not(
    on: Open,
    folder: Path,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processor = on("processor")
    before = version(processor)
    clock = [bundle_module.time.monotonic()]
    monkeypatch.setattr(bundle_module.time, "monotonic", lambda: clock[0])
    (folder / "two.yaml").write_text(EDITED)
    with away(place, monkeypatch) as tries:
        processor.refresh()
        asked = len(tries)
        processor.refresh()
        assert len(tries) == asked > 0
        assert (version(processor), text(processor)) == (before, TWO_STEPS)
        assert f"{folder} cannot be served: the store {place.url}/b does not answer" in told(
            processor
        )
        clock[0] += bundle_module.STORE_AGAIN + 1
        processor.refresh()
        assert len(tries) > asked
    clock[0] += bundle_module.STORE_AGAIN + 1
    processor.refresh()
    assert (text(processor), told(processor)) == (EDITED, "")
    assert text(on("w1", version(processor))) == EDITED


def test_a_store_that_is_away_is_not_asked_while_nothing_changes(
    on: Open, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = on("processor")
    processor.refresh()
    with away(place, monkeypatch) as tries:
        processor.refresh()
    assert (tries, told(processor)) == ([], "")


def test_a_worker_waits_for_a_store_that_is_away(
    on: Open, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_with = version(on("processor"))
    refused = f"version {began_with} of bundle 'b' is not on this machine: the store .* refused"
    with away(place, monkeypatch), pytest.raises(StoreAway, match=refused):
        on("w1", began_with)
    assert text(on("w1", began_with)) == TWO_STEPS
    with away(place, monkeypatch):
        assert text(on("w1", began_with)) == TWO_STEPS


def test_a_dag_processor_on_a_new_machine_goes_on_from_the_last_good_texts(
    on: Open, folder: Path
) -> None:
    (folder / "gone.yaml").write_text(TWO_STEPS.replace("name: two", "name: gone"))
    processor = on("processor")
    (folder / "two.yaml").write_text(BROKEN)
    (folder / "gone.yaml").unlink()
    processor.refresh()
    new = on("new")
    assert version(new) == version(processor)
    assert text(new) == TWO_STEPS
    assert "retired" in (new.path / "gone.py").read_text()


def test_a_dag_processor_on_a_new_machine_deletes_no_dag_while_the_store_is_away(
    on: Open, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    on("processor")
    # Airflow leaves the DAGs of a bundle alone that could not be initialized
    with away(place, monkeypatch), pytest.raises(StoreAway):
        on("new")
    assert text(on("new")) == TWO_STEPS


def test_a_worker_removes_what_is_old_and_fetches_it_when_it_is_asked_for(
    on: Open, folder: Path, tmp_path: Path
) -> None:
    processor = on("processor")
    old = version(processor)
    on("w1", old)
    (folder / "two.yaml").write_text(EDITED)
    processor.refresh()
    on("w1", version(processor), keep_days=-1)
    assert [path.name for path in (tmp_path / "w1/b/versions").iterdir()] == [version(processor)]
    assert text(on("w1", old)) == TWO_STEPS


def test_versions_that_no_run_has_go_from_the_store_as_well(
    on: Open, folder: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = on("processor", keep_days=-1)
    old = version(processor)
    (folder / "two.yaml").write_text(EDITED)
    processor.refresh()
    assert f"b/manifests/{old}.json" in place.names()
    monkeypatch.setattr(bundle_module, "versions_in_use", lambda name: set())
    monkeypatch.setattr(bundle_module, "CLEAN_UP", -1.0)
    processor.refresh()
    manifests = [name for name in place.names() if "/manifests/" in name]
    assert manifests == [f"b/manifests/{version(processor)}.json"]
