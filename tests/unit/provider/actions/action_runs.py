"""A run of ``production_operations`` without Airflow, on two steps that are under way."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.actions.dag import actions_dag
from dirac_prodsys.provider.actions.tasks import ProductionActionOperator, ProductionPreviewOperator

MAKE, MERGE = 1, 2


class Store(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self[key] = value
        self.retention = retention


class TaskInstance:
    """XComs of one run."""

    id = "0000"

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}
        self.preview: Any = None

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))

    def xcom_pull(self, task_ids: str) -> Any:
        assert task_ids == "preview"
        return self.preview


class ActionRun:
    """One run of ``production_operations``: what a user gave, and its two tasks."""

    def __init__(self, context: dict[str, Any], **params: Any) -> None:
        known = actions_dag().params
        assert set(params) <= set(known)
        defaults = {k: known[k] for k in known if k not in ("action", "production")}
        self.ti = TaskInstance()
        self.context = {
            **context,
            "task_state_store": type(context["task_state_store"])(),
            "params": {**defaults, "production": "two", **params},
            "dag_run": SimpleNamespace(run_id="ops-1", triggering_user_name="shifter", conf={}),
            "ti": self.ti,
        }

    def preview(self) -> Any:
        made = ProductionPreviewOperator(task_id="preview", outage_patience=0.0)
        self.ti.preview = json.loads(json.dumps(made.execute(self.context)))
        return self.ti.preview

    def act(self) -> Any:
        return ProductionActionOperator(task_id="act", outage_patience=0.0).execute(self.context)

    def carry_out(self) -> Any:
        self.preview()
        return self.act()


def row(grid: MemoryGrid, number: int) -> dict[str, Any]:
    return grid.transformations[number].row


def words(outcome: Any) -> dict[int, str]:
    return {result["id"]: result["word"] for result in outcome["results"]}


REAL = {"preview": False}
RISKY = {**REAL, "reason": "made for a test"}
OWN: dict[str, dict[str, Any]] = {
    "extend": {"tasks": 2},
    "set_group_size": {"group_size": 3},
    "clean": {"run": "r1", "confirm": "two"},
    "delete": {"run": "r1", "confirm": "two"},
}
