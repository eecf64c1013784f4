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
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.run.dag_shape import VERSION, TaskPlace, shape
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


def above(dag: DAG, task_id: str) -> set[str]:
    return dag.get_task(task_id).get_flat_relative_ids(upstream=True)


def test_a_step_with_input_waits_for_it_and_flushes_before_it_waits_for_its_completion() -> None:
    found = edges(dag_of(TWO_STEPS))
    chain = ["start", "wait_for_input", "flush", "wait_for_completion", "complete"]
    for before, after in pairwise([*chain, "create_dataset"]):
        assert (f"merge.{before}", f"merge.{after}") in found


def test_a_step_without_input_has_nothing_to_flush() -> None:
    tasks = set(dag_of(TWO_STEPS).task_dict)
    assert {"make.wait_for_input", "make.flush", "make.create_dataset"}.isdisjoint(tasks)
    assert ("make.start", "make.wait_for_completion") in edges(dag_of(TWO_STEPS))


def test_nothing_starts_before_everything_is_created() -> None:
    dag = dag_of(DIAMOND)
    names = ("root", "left", "right__hand", "end")
    created = {f"prepare.create.{name}" for name in names}
    assert created <= above(dag, "prepare.verify")
    verified = dag.get_task("prepare.verify")
    assert set(verified.created) == {"root", "left", "right.hand", "end"}
    assert set(verified.created.values()) == created
    for name in names:
        assert created | {"prepare.verify"} <= above(dag, f"{name}.start")


def test_parents_are_created_first_and_completed_before_a_child_is_flushed() -> None:
    dag = dag_of(DIAMOND)
    found = edges(dag)
    assert {
        ("prepare.create.root", "prepare.create.left"),
        ("prepare.create.left", "prepare.create.end"),
        ("prepare.create.right__hand", "prepare.create.end"),
        ("root.start", "left.start"),
        ("root.complete", "left.flush"),
    } <= found
    assert "root.complete" not in above(dag, "left.start")


def test_the_wait_of_a_streaming_child_begins_with_it_and_knows_its_parents() -> None:
    dag = dag_of(DIAMOND)
    wait = dag.get_task("left.wait_for_input")
    assert wait.upstream_task_ids == {"left.start"}
    assert "root.complete" not in above(dag, "left.wait_for_input")
    assert wait.parents == ("root.complete",)
    assert set(wait.until) == {"flush", "complete"}
    # what starts when its parents are complete needs no such thing
    wait = dag.get_task("right__hand.wait_for_input")
    assert wait.upstream_task_ids == {"right__hand.start"}
    assert wait.parents == ()
    for name in ("left", "right__hand", "end"):
        assert dag.get_task(f"{name}.wait_for_completion").parents == ()


def test_every_wait_for_a_completion_stands_behind_the_completion_of_its_parents() -> None:
    for more in ("policy: {flush: never}", "start: {at: 5%}", "start: on_complete"):
        dag = dag_of(DIAMOND.replace("policy: {flush: never}", more))
        for child, parents in (
            ("left", {"root"}),
            ("right__hand", {"root"}),
            ("end", {"left", "right__hand"}),
        ):
            completed = {f"{name}.complete" for name in parents}
            assert completed <= above(dag, f"{child}.wait_for_completion")
            if f"{child}.flush" in dag.task_dict:
                assert completed <= above(dag, f"{child}.flush")


def test_the_dag_has_the_edges_of_its_shape_and_no_others() -> None:
    """Airflow makes an edge of two groups of one that is drawn with a label between two tasks."""
    loop = Path(__file__).parents[2] / "productions" / "good" / "loop.yaml"
    for text in (TWO_STEPS, DIAMOND, loop.read_text()):
        production = load_production(text, "p.yaml")
        drawn = shape(production, compile(production, run="run"))
        wanted = {(drawn.ids[edge.before], drawn.ids[edge.after]) for edge in drawn.edges}
        begin = drawn.ids[TaskPlace("begin")]
        ends = {(begin, drawn.ids[TaskPlace(part)]) for part in ("on_cancel", "report")}
        dag = build_dag(production)
        assert edges(dag) == wanted | ends
        words = {(before, after) for before, near in dag.edge_info.items() for after in near}
        assert words == {(drawn.ids[e.before], drawn.ids[e.after]) for e in drawn.edges if e.label}


def test_links_of_the_production_stand_on_the_page_of_its_dag() -> None:
    links = 'links: {runbook: "https://wiki.example.org/p?id=7", log: "http://elog.example.org/1"}'
    assert "[" not in str(dag_of(TWO_STEPS).doc_md).split("| step |")[0]
    shown = dag_of(TWO_STEPS.replace("vo: sim", f"vo: sim, {links}", 1)).doc_md
    links = "[runbook](https://wiki.example.org/p?id=7) · [log](http://elog.example.org/1)"
    assert links in str(shown).splitlines()


def test_no_edge_is_there_that_others_imply() -> None:
    for text in (TWO_STEPS, DIAMOND, DIAMOND.replace("policy: {flush: never}", "start: {at: 5%}")):
        dag = dag_of(text)
        # a teardown is linked with its setup, whatever else comes before it
        ends = {"finish.on_cancel", "finish.report"}
        for before, after in edges(dag):
            others = dag.get_task(after).upstream_task_ids - {before}
            if before != "prepare.begin" or after not in ends:
                assert not [name for name in others if before in above(dag, name)], (before, after)


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
    assert "make.complete" not in above(dag, "merge.start")


def test_a_step_that_is_never_flushed_waits_for_its_parents_all_the_same() -> None:
    dag = dag_of(DIAMOND)
    assert "end.flush" not in dag.task_dict
    parents = {"left.complete", "right__hand.complete"}
    wait = dag.get_task("end.wait_for_input")
    assert wait.upstream_task_ids == {"end.start"}
    assert set(wait.parents) == parents
    assert set(wait.until) == {"input", "complete"}
    after = dag.get_task("end.wait_for_completion")
    assert after.upstream_task_ids == {*parents, "end.wait_for_input"}


@pytest.mark.parametrize("name", ["prepare", "finish"])
def test_a_step_may_have_the_name_of_a_group_of_ours(name: str) -> None:
    dag = dag_of(TWO_STEPS.replace("merge", name))
    assert f"{name}.start" in dag.task_dict
    ours = f"{name}_.verify" if name == "prepare" else f"{name}_.report"
    assert ours in dag.task_dict
    assert {"prepare": f"{name}_.create.{name}", "finish": f"prepare.create.{name}"}[
        name
    ] in dag.task_dict


def test_the_dag_starts_nothing_by_itself_and_waits_for_nobody_when_triggered() -> None:
    dag = dag_of(TWO_STEPS)
    assert dag.dag_id == "two"
    assert dag.schedule is None
    assert dag.catchup is False
    assert dag.is_paused_upon_creation is False
    assert dag.tags == {"dirac", "production", "sim", "demo"}
    # Airflow may take a wait that was resumed for a failed one, again and again over weeks
    assert {task.retries for task in dag.tasks if "wait_for" in task.task_id} == {10}
    assert {task.retries for task in dag.tasks if "wait_for" not in task.task_id} == {3}


def test_its_page_shows_the_text_and_its_digest_and_no_text_ends_the_block_early() -> None:
    trap = TWO_STEPS + "# ```\n# ````\n# <script>alert(1)</script>\n"
    shown = str(dag_of(trap).doc_md)
    fence = "`" * 5
    assert shown.count(fence) == 2
    assert f"{fence}yaml\n{trap}\n{fence}" in shown
    assert "SHA-256" in shown


def test_a_retired_production_says_so(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO_STEPS)
    dag = dag_from_file(tmp_path / "two.py", "mine.yaml", "**Retired**: gone", shape=VERSION)
    assert "retired" in dag.tags
    assert str(dag.doc_md).startswith("> **Retired**")
    assert "mine.yaml" in str(dag.doc_md)
    assert dag.get_task("prepare.begin").retired is True  # type: ignore[attr-defined]


def test_a_production_cannot_give_itself_the_marks_of_its_state() -> None:
    dag = dag_of(TWO_STEPS.replace("tags: [demo]", "tags: [demo, retired, file has an error]"))
    assert dag.tags == {"dirac", "production", "sim", "demo"}


def test_a_production_whose_file_has_an_error_says_so_and_takes_runs(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO_STEPS)
    stub, note = tmp_path / "two.py", "**two.yaml has an error**:\n\n```\ntwo.yaml:1:1: x\n```"
    dag = dag_from_file(stub, "two.yaml", note, shape=VERSION, mark="file has an error")
    assert "file has an error" in dag.tags
    assert "retired" not in dag.tags
    assert str(dag.doc_md).startswith("> **two.yaml has an error**:\n>\n> ```\n> two.yaml:1:1: x")
    assert dag.get_task("prepare.begin").retired is False  # type: ignore[attr-defined]


def test_a_wrong_text_is_reported_with_the_users_file_name(tmp_path: Path) -> None:
    (tmp_path / "stub.yaml").write_text(TWO_STEPS.replace("tasks: 6", "tusks: 6"))
    with pytest.raises(DefinitionErrors, match=r"mine\.yaml:\d+:\d+: .*tusks"):
        dag_from_file(tmp_path / "stub.py", "mine.yaml", shape=VERSION)


@pytest.mark.parametrize("given", [{}, {"shape": VERSION - 1}, {"shape": VERSION + 1}])
def test_a_run_of_another_shape_is_not_built_and_says_what_to_do(
    tmp_path: Path, given: dict[str, int]
) -> None:
    """A stub of before shapes were counted names none: its tasks had other IDs."""
    (tmp_path / "two.yaml").write_text(TWO_STEPS)
    with pytest.raises(DefinitionErrors, match=r"mine\.yaml: .*drew DAGs otherwise") as caught:
        dag_from_file(tmp_path / "two.py", "mine.yaml", **given)
    assert "let those runs end with that version" in str(caught.value)


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
