"""A DAG of many steps costs as much more as it has more steps; counted, not timed.

What is counted are calls: a clock would tell how busy the machine is.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from bench.equal_dags import chain, fan
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.provider.dag_builder import build_dag

FEW, MANY = 40, 400


def drawn(text: str) -> None:
    DagSerialization.to_dict(build_dag(load_production(text, "long.yaml")))


def calls(text: str) -> int:
    """How many functions are called to draw the DAG of a production."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        drawn(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("text", [chain, fan])
def test_ten_times_the_steps_cost_little_more_than_ten_times_as_much(text: Any) -> None:
    drawn(text(FEW))  # much is made at the first time only
    assert calls(text(MANY)) <= 12 * calls(text(FEW))


def test_no_edge_has_airflow_list_all_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = 0
    original = DAG.__hash__

    def counted(dag: DAG) -> int:
        nonlocal listed
        listed += 1
        return original(dag)

    monkeypatch.setattr(DAG, "__hash__", counted)
    found = []
    for steps in (FEW, MANY):
        listed = 0
        drawn(chain(steps))
        found.append(listed)
    assert found[0] == found[1]
