"""The rehearsal of an upgrade, without one: its production, and which code an Airflow runs."""

from __future__ import annotations

from pathlib import Path

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.run.dag_shape import shape
from sandbox.airflow.home import AirflowHome
from sandbox.rehearsal.upgrade import FILE, WAITS


def test_its_production_can_wait_in_all_the_ways_that_it_says() -> None:
    production = load_production(FILE.read_text(), FILE.name)
    assert {*WAITS} <= {*shape(production, compile(production, run="r1")).ids.values()}


def test_an_airflow_runs_the_tree_that_it_is_given(tmp_path: Path) -> None:
    env = AirflowHome(tmp_path / "home", tmp_path, {}, code=tmp_path / "old").env()
    plugins = str(tmp_path / "old" / "plugins")
    assert env["PYTHONPATH"] == env["AIRFLOW__CORE__PLUGINS_FOLDER"] == plugins
    assert env["AIRFLOW__CORE__DAGS_FOLDER"] == str(tmp_path / "old" / "dags")
