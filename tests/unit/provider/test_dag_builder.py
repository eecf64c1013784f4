"""A production's DAG: its groups and edges, its words, and that it is the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.errors import DefinitionErrors
from dirac_prodsys.provider.dag_builder import build_dag, dag_from_file

LAST = """    type: MCSimulation
    tasks: 1
    job: {type: script, executable: x}
"""

TWO_STEPS = Path(__file__).with_name("two.yaml").read_text()


def step(name: str, parents: str, more: str = "") -> str:
    return f"""
  {name}:
    type: Merging
    group_size: 2
    input: {{from: {parents}}}
    job: {{type: script, executable: {name}}}
    output:
      directory: /sim/d/${{{{ run }}}}/{name}
      se: DISK-A-SE
      metadata: {{production: diamond, run: "${{{{ run }}}}", step: {name}}}
      files: ["{name}_@{{JOB_ID}}"]
    {more}
"""


DIAMOND = (
    TWO_STEPS.replace("name: two", "name: diamond").split("  merge:")[0].replace("make:", "root:")
    + step("left", "root")
    + step("right.hand", "root", "start: on_complete")
    + step("end", "[left, right.hand]", "policy: {flush: never}")
)


def dag_of(text: str) -> DAG:
    return build_dag(load_production(text, "p.yaml"))


def edges(dag: DAG) -> set[tuple[str, str]]:
    return {(task.task_id, after) for task in dag.tasks for after in task.downstream_task_ids}


def test_a_step_with_input_settles_and_flushes_before_it_is_processed() -> None:
    found = edges(dag_of(TWO_STEPS))
    chain = ["create", "start", "settle", "flush", "process", "complete", "dataset"]
    for before, after in pairwise(chain):
        assert (f"merge.{before}", f"merge.{after}") in found


def test_a_step_without_input_has_nothing_to_flush() -> None:
    tasks = set(dag_of(TWO_STEPS).task_dict)
    assert {"make.settle", "make.flush", "make.dataset"}.isdisjoint(tasks)
    assert ("make.start", "make.process") in edges(dag_of(TWO_STEPS))


def test_nothing_starts_before_everything_is_created() -> None:
    found = edges(dag_of(DIAMOND))
    for name in ("root", "left", "right__hand", "end"):
        assert (f"{name}.create", "created") in found
        assert ("created", f"{name}.start") in found


def test_parents_are_created_first_and_completed_before_a_child_settles() -> None:
    found = edges(dag_of(DIAMOND))
    assert {
        ("root.create", "left.create"),
        ("left.create", "end.create"),
        ("right__hand.create", "end.create"),
        ("root.complete", "left.settle"),
    } <= found
    assert ("root.complete", "left.start") not in found


def test_a_step_that_starts_on_complete_waits_for_its_parents() -> None:
    assert ("root.complete", "right__hand.start") in edges(dag_of(DIAMOND))


def test_a_step_may_start_when_its_parents_have_done_a_share_of_their_work() -> None:
    text = DIAMOND.replace("policy: {flush: never}", "start: {at: 12.5%}")
    dag = dag_of(text)
    found = edges(dag)
    for parent, group in (("left", "left"), ("right.hand", "right__hand")):
        ready = dag.get_task(f"end.ready_{group}")
        assert (ready.step, ready.ready_at) == (parent, 0.125)
        assert (f"{group}.start", ready.task_id) in found
        assert (ready.task_id, "end.start") in found


def test_a_step_after_others_starts_when_they_are_complete() -> None:
    late = "after: make\n"
    dag = build_dag(load_production(TWO_STEPS + "  last:\n    " + late + LAST, "f"))
    assert "make.complete" in dag.get_task("last.start").upstream_task_ids
    assert "make.complete" not in dag.get_task("merge.start").upstream_task_ids


def test_a_step_that_is_never_flushed_waits_with_its_processing() -> None:
    dag = dag_of(DIAMOND)
    assert "end.settle" not in dag.task_dict
    assert {("left.complete", "end.process"), ("right__hand.complete", "end.process")} <= edges(dag)


def test_a_step_may_have_the_name_of_the_join() -> None:
    dag = dag_of(TWO_STEPS.replace("merge", "created"))
    assert "created.create" in dag.task_dict
    assert ("created.create", "created_") in edges(dag)


def test_the_dag_starts_nothing_by_itself_and_waits_for_nobody_when_triggered() -> None:
    dag = dag_of(TWO_STEPS)
    assert dag.dag_id == "two"
    assert dag.schedule is None
    assert dag.catchup is False
    assert dag.is_paused_upon_creation is False
    assert dag.tags == {"dirac", "production", "sim", "demo"}
    assert {task.retries for task in dag.tasks} == {3}


def test_its_page_shows_the_text_and_its_digest_and_no_text_ends_the_block_early() -> None:
    trap = TWO_STEPS + "# ```\n# ````\n# <script>alert(1)</script>\n"
    shown = str(dag_of(trap).doc_md)
    fence = "`" * 5
    assert shown.count(fence) == 2
    assert f"{fence}yaml\n{trap}\n{fence}" in shown
    assert "SHA-256" in shown


def test_a_retired_production_says_so(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO_STEPS)
    dag = dag_from_file(tmp_path / "two.py", "mine.yaml", "**Retired**: gone")
    assert "retired" in dag.tags
    assert str(dag.doc_md).startswith("> **Retired**")
    assert "mine.yaml" in str(dag.doc_md)


def test_a_wrong_text_is_told_with_the_users_file_name(tmp_path: Path) -> None:
    (tmp_path / "stub.yaml").write_text(TWO_STEPS.replace("tasks: 6", "tusks: 6"))
    with pytest.raises(DefinitionErrors, match=r"mine\.yaml:\d+:\d+: .*tusks"):
        dag_from_file(tmp_path / "stub.py", "mine.yaml")


def serialised(dag: DAG) -> dict[str, Any]:
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.to_dict(dag)


def test_nothing_of_a_user_is_a_template_anywhere_in_the_serialised_dag() -> None:
    text = TWO_STEPS.replace("executable: merge-it", 'executable: m, arguments: "{{ ds }} {% x %}"')
    data = serialised(dag_of(text))["dag"]
    assert len(data["tasks"]) > 10
    for task in data["tasks"]:
        assert "{{" not in json.dumps(task)
        assert task["__var"].get("template_fields", []) in ([], ())


def test_the_production_itself_is_not_serialised() -> None:
    assert "merge-it" not in json.dumps(serialised(dag_of(TWO_STEPS))["dag"]["tasks"])


BUILD = """
import sys
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import DagSerialization
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.provider.dag_builder import build_dag
dag = build_dag(load_production(sys.stdin.read(), "p.yaml"))
dag.fileloc = "p.py"
print("hash", SerializedDagModel.hash(DagSerialization.to_dict(dag)))
print("dirac", [name for name in sys.modules if name.split(".")[0] == "DIRAC"])
"""


def test_any_process_builds_the_same_version_of_the_dag_and_without_dirac() -> None:
    def build(seed: str) -> list[str]:
        result = subprocess.run(
            [sys.executable, "-c", BUILD],
            input=DIAMOND,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.splitlines()[-2:]

    first = build("1")
    assert first == build("2")
    assert first[1] == "dirac []"
