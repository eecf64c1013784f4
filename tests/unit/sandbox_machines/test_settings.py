"""The environment of each process of a machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.airflow.machines import stack as machines
from sandbox.airflow.machines.stack import CONTROL, ROLES, TRIGGERERS, WORKERS, MachinesStack

GRID = "AIRFLOW_CONN_DIRAC_DEFAULT"


@pytest.fixture
def environments(tmp_path: Path) -> dict[str, dict[str, str]]:
    """Process → its environment."""
    for machine in {machine for machine, _ in ROLES.values()}:
        (tmp_path / machine).mkdir(exist_ok=True)
        machines.airflow_settings.share_secrets(tmp_path / CONTROL, tmp_path / machine)
    stack = MachinesStack(tmp_path, tmp_path / "productions")
    return {name: stack._env(name) for name in ROLES}


def bundle(environment: dict[str, str]) -> dict[str, Any]:
    bundles = json.loads(environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    kwargs: dict[str, Any] = bundles[0]["kwargs"]
    return kwargs


def test_only_triggerers_and_workers_know_the_grid(environments: dict[str, dict[str, str]]) -> None:
    assert {name for name, env in environments.items() if GRID in env} == {*TRIGGERERS, *WORKERS}


def test_only_the_machine_of_the_dag_processor_knows_the_productions(
    environments: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    folder = str(tmp_path / "productions")
    knows = {name for name, env in environments.items() if bundle(env)["productions"] == folder}
    assert knows == {name for name, (machine, _) in ROLES.items() if machine == CONTROL}
    assert len({bundle(env)["store"] for env in environments.values()}) == 1


def test_each_machine_has_a_disk_of_its_own_and_the_keys_of_all(
    environments: dict[str, dict[str, str]],
) -> None:
    def values(name: str) -> set[str]:
        return {env[name] for env in environments.values()}

    machine_count = len({machine for machine, _ in ROLES.values()})
    assert len(values("AIRFLOW_HOME")) == machine_count
    assert len(values("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH")) == machine_count
    assert len(values("AIRFLOW__API_AUTH__JWT_SECRET")) == 1
    assert len(values("AIRFLOW__CORE__FERNET_KEY")) == 1
