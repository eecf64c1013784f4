"""An Airflow home with ``dags/`` and ``include/``, where no Dag bundle of ours is configured."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager
from airflow.sdk.definitions.context import (
    _AIRFLOW_PARSING_CONTEXT_DAG_ID,
    _AIRFLOW_PARSING_CONTEXT_TASK_ID,
)
from airflow.serialization.serialized_objects import DagSerialization

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import BROKEN
from dirac_prodsys.provider.bundle import plain_layout, sources
from dirac_prodsys.provider.dag_builder import build_dag
from tests.unit.provider.conftest import TWO_STEPS, WriteSite

REPOSITORY = Path(__file__).parents[4]
LOCAL = {
    "name": "dags-folder",
    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
    "kwargs": {},
}
OURS = {
    "name": "mine",
    "classpath": "dirac_prodsys.provider.bundle.ProductionsDagBundle",
    "kwargs": {"productions": "/somewhere"},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders of a home, with one good production, and Airflow's default bundle."""
    monkeypatch.setattr(sources, "SETTLE", 0)
    # Airflow's context of a task leaves them set, as if its process ended with it
    for variable in (_AIRFLOW_PARSING_CONTEXT_DAG_ID, _AIRFLOW_PARSING_CONTEXT_TASK_ID):
        monkeypatch.setenv(variable, "")
    configure(monkeypatch, LOCAL)
    made = tmp_path / "home"
    shutil.copytree(REPOSITORY / "dags", made / "dags")
    (made / "include" / "productions").mkdir(parents=True)
    write(made, "two.yaml", TWO_STEPS)
    return made


def configure(patch: pytest.MonkeyPatch, *bundles: Any) -> None:
    patch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))


def write(home: Path, file: str, text: str) -> Path:
    path = home / "include" / "productions" / file
    path.write_text(text)
    return path


def named(name: str) -> str:
    return TWO_STEPS.replace("name: two", f"name: {name}")


def bag(home: Path, file: str = "productions.py") -> BundleDagBag:
    """What Airflow finds in a file of ``dags/``."""
    dags = home / "dags"
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("default")  # as in Airflow's processes; the bag warns again
        return BundleDagBag(dag_folder=dags / file, bundle_path=dags, bundle_name="dags-folder")


def told(found: BundleDagBag) -> list[str]:
    return [line for lines in found.captured_warnings.values() for line in lines]


def test_the_files_of_include_are_productions(home: Path) -> None:
    write(home, "more.yml", named("more"))
    found = bag(home)
    assert found.import_errors == {}
    assert set(found.dags) == {"two", "more"}
    assert told(found) == []
    about = str(found.dags["two"].doc_md)
    assert about.startswith("> No `ProductionsDagBundle` is configured")
    assert set(found.dags["two"].tags) == {"dirac", "production", "sim", "demo"}


def test_a_broken_file_is_a_warning_at_its_line_and_hides_no_other(home: Path) -> None:
    broken = write(home, "bad.yaml", named("bad").replace("tasks: 6", "tusks: 6"))
    write(home, "twin.yaml", TWO_STEPS)
    found = bag(home)
    assert found.import_errors == {}
    assert "two" in found.dags
    bad, twin = sorted(told(found))
    assert bad.startswith(f"{broken}:6: ")
    assert "ProductionWarning: bad.yaml:6:5: " in bad
    assert "'two' is already defined by twin.yaml" in twin or "defined by two.yaml" in twin


def test_a_broken_file_is_shown_among_the_dags_until_it_is_mended(home: Path) -> None:
    write(home, "bad.yaml", "version: [")
    (shown,) = [dag for name, dag in bag(home).dags.items() if name != "two"]
    assert shown.dag_display_name == "bad.yaml has an error"
    assert str(shown.description).startswith("bad.yaml:1:")
    assert str(shown.description) in str(shown.doc_md)
    assert BROKEN in shown.tags
    assert shown.tasks == []
    DagSerialization.to_dict(shown)
    write(home, "bad.yaml", named("good"))
    assert set(bag(home).dags) == {"two", "good"}


def test_a_file_that_cannot_be_drawn_hides_no_other(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, "more.yaml", named("more"))
    draw = plain_layout.build_dag

    def fails_for_more(production: Any, **more: Any) -> Any:
        if production.name == "more":
            raise RuntimeError("oops")
        return draw(production, **more)

    monkeypatch.setattr(plain_layout, "build_dag", fails_for_more)
    found = bag(home)
    assert "two" in found.dags
    (line,) = told(found)
    assert "more.yaml: internal error: RuntimeError('oops')" in line


def test_the_process_of_a_task_draws_the_dag_of_the_task_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home, "more.yaml", named("more"))
    write(home, "bad.yaml", "version: [")
    drawn: list[str] = []
    draw = plain_layout.build_dag

    def seen(production: Any, **more: Any) -> Any:
        drawn.append(production.name)
        return draw(production, **more)

    monkeypatch.setattr(plain_layout, "build_dag", seen)
    with _airflow_parsing_context_manager(dag_id="more", task_id="prepare.begin"):
        found = bag(home)
    assert set(found.dags) == {"more"}
    assert drawn == ["more"]
    assert told(found) == []


def test_the_task_of_a_broken_file_says_what_is_wrong(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(home, "two.yaml", "version: [")
    with (
        caplog.at_level(logging.ERROR, plain_layout.__name__),
        _airflow_parsing_context_manager(dag_id="two", task_id="prepare.begin"),
    ):
        assert bag(home).dags == {}
    assert "two.yaml:1:" in caplog.text


def test_a_home_without_the_folder_says_so(home: Path) -> None:
    shutil.rmtree(home / "include")
    (error,) = bag(home).import_errors.values()
    assert f"there is no folder {home}/include/productions" in error


@pytest.mark.parametrize("file", ["productions.py", "production_operations.py"])
def test_where_a_bundle_is_configured_the_files_offer_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    configure(monkeypatch, OURS, LOCAL)
    found = bag(home, file)
    assert (found.dags, found.import_errors, told(found)) == ({}, {}, [])


def test_the_actions_offer_the_productions_by_name(home: Path) -> None:
    write(home, "more.yaml", named("more"))
    write(home, "bad.yaml", "version: [")
    found = bag(home, "production_operations.py")
    assert set(found.dags) == {DAG_ID}
    offered = found.dags[DAG_ID].params.get_param("production").schema["examples"]
    assert offered == ["more", "two"]


def test_the_site_limits_the_files_by_the_bundle_that_holds_the_dags(
    home: Path, monkeypatch: pytest.MonkeyPatch, site_file: WriteSite
) -> None:
    configure(monkeypatch, LOCAL | {"kwargs": {"path": str(home / "dags")}})
    path = site_file("vos: [other]")
    path.write_text("version: 1\nbundles: {dags-folder: {vos: [other]}}\n")
    (line,) = told(bag(home))
    assert "two.yaml:2:29: the site does not allow VO 'sim' here" in line
    path.write_text("version: 1\nbundles: {dags-folder: {vos: [sim]}}\n")
    assert set(bag(home).dags) == {"two"}


def test_keeping_the_first_text_does_not_change_what_airflow_stores(home: Path) -> None:
    (dag,) = bag(home).dags.values()
    bare = build_dag(load_production(TWO_STEPS, "two.yaml"), note=plain_layout._NO_BUNDLE, mark="")
    bare.fileloc, bare.relative_fileloc = dag.fileloc, dag.relative_fileloc
    assert DagSerialization.to_dict(dag) == DagSerialization.to_dict(bare)
