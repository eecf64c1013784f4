"""The productions that the form of actions offers are those that the bundles serve."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dirac_prodsys.provider.actions import served_names
from dirac_prodsys.provider.actions.served_names import served_productions
from dirac_prodsys.provider.bundle.shelf import Served, Shelf

BUNDLES = [
    {"name": "dags", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"},
    {"name": "mine", "classpath": "dirac_prodsys.provider.bundle.ProductionsDagBundle"},
]


@pytest.fixture
def latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(BUNDLES))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path))
    (tmp_path / "mine" / "latest").mkdir(parents=True)
    return tmp_path / "mine" / "latest"


def test_they_are_offered_by_name_also_where_a_file_cannot_have_it(latest: Path) -> None:
    served = {name: Served("f.yaml", "") for name in ("gam", "bands.v1", "retired")}
    for name, data in Shelf(served, {"bad.yaml": "oops"}).files().items():
        (latest / name).write_bytes(data)
    assert served_productions() == ["bands.v1", "gam", "retired"]


def test_a_form_without_a_bundle_offers_none(latest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served_productions() == []
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", "[{}]")
    warnings: list[str] = []
    monkeypatch.setattr(served_names.log, "warning", lambda line, *a: warnings.append(line % a))
    assert served_productions() == []
    assert len(warnings) == 1
