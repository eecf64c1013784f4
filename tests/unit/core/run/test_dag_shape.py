"""What a DAG looks like, drawn from the plan alone."""

from __future__ import annotations

import random
from pathlib import Path

import networkx
import pytest

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.run.dag_shape import Shape, TaskPlace, shape, watched_parents

ROOT = Path(__file__).parents[4]
GOOD = ROOT / "tests" / "productions" / "good"
FILES = sorted(
    [
        *GOOD.glob("[a-z]*.yaml"),
        *(ROOT / "include" / "productions").glob("**/*.yaml"),
        *(ROOT / "tests" / "productions" / "examples").glob("*.yaml"),
    ]
)


def read(name: str, *changes: tuple[str, str]) -> Production:
    text = (GOOD / f"{name}.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_production(text, f"{name}.yaml")


def drawn(production: Production) -> Shape:
    return shape(production, compile(production, run="r"))


def links(found: Shape) -> set[tuple[str, str]]:
    return {(found.ids[edge.before], found.ids[edge.after]) for edge in found.edges}


def graph(found: Shape) -> networkx.DiGraph:
    made = networkx.DiGraph(links(found))
    made.add_nodes_from(found.ids.values())
    return made


def lines(found: Shape) -> dict[str, list[str]]:
    """Task → the groups that hold it, from the outermost, and itself."""
    within = {group.id: group.within for group in found.groups}
    lines = {}
    for place, group in found.tasks.items():
        line = [found.ids[place], group]
        while within[line[-1]]:
            line.append(within[line[-1]])
        lines[found.ids[place]] = line[::-1]
    return lines


def check(production: Production) -> None:
    """What holds for every shape."""
    found = drawn(production)
    plan = compile(production, run="r")
    tasks = graph(found)
    assert networkx.is_directed_acyclic_graph(tasks)
    # no edge that others imply
    assert set(networkx.transitive_reduction(tasks).edges) == links(found)
    # each box, seen alone, can be put in order
    between: dict[str, networkx.DiGraph] = {}
    placed = lines(found)
    for before, after in links(found):
        one, two = placed[before], placed[after]
        split = next(i for i, pair in enumerate(zip(one, two, strict=False)) if len({*pair}) > 1)
        box = one[split - 1] if split else ""
        between.setdefault(box, networkx.DiGraph()).add_edge(one[split], two[split])
    assert all(networkx.is_directed_acyclic_graph(each) for each in between.values())
    # what is shown first comes first
    order = found.order
    assert sorted(order.values()) == list(range(len(order)))
    assert all(order[a] < order[b] for each in between.values() for a, b in each.edges)
    # everything is verified before anything starts, and followed by the end of the run
    verified = networkx.descendants(tasks, found.ids[TaskPlace("verify")])
    ended = networkx.ancestors(tasks, found.ids[TaskPlace("report")])
    begun = networkx.descendants(tasks, found.ids[TaskPlace("begin")])
    assert begun | {found.ids[TaskPlace("begin")]} == ended | {found.ids[TaskPlace("report")]}
    for step in plan.steps:
        assert found.ids[TaskPlace("start", step.name)] in verified
        create = found.ids[TaskPlace("create", step.name)]
        assert (create in verified) == (step.name in found.late)
        # no file of a parent comes after a step was flushed
        last = found.ids[TaskPlace("complete", step.name)]
        for parent in (*step.parents, *step.feeders):
            assert found.ids[TaskPlace("complete", parent)] in networkx.ancestors(tasks, last)
    # between steps stand the production's own links, and no others
    home = {
        found.ids[place]: place.whose
        for place in found.tasks
        if place.part not in ("begin", "check")
    }
    near = {s.name: {*s.parents, *s.feeders, *s.after} for s in plan.steps}
    for before, after in links(found):
        one, two = home.get(before), home.get(after)
        if one in near and two in near and one != two and not before.startswith("prepare"):
            assert one in near[two]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_production_is_drawn_like_itself(file: Path) -> None:
    check(read_production(file))


STEP = """
  {name}:
    type: {type}
    {more}
    job: {{type: script, executable: x}}
    output:
      metadata: {{step: {name}, run: "${{{{ run }}}}"{side}}}
      files: ["{name}_@{{JOB_ID}}"]
"""


def at_random(chance: random.Random) -> str:
    """A production of steps, branches, gates and approvals."""
    text = "version: 1\nproduction: {name: any, vo: sim}\n"
    text += "common: {directory: '/sim/any/${{ run }}', se: DISK-A-SE}\n"
    if chance.random() < 0.5:
        text += "matrix: {side: [a, b, c]}\n"
    text += "steps:"
    names: list[str] = []
    for number in range(chance.randrange(1, 8)):
        name = f"s{number}"
        parents = chance.sample(names, min(len(names), chance.randrange(0, 3)))
        more = []
        if parents:
            more.append("group_size: 2")
            more.append(f"input: {{from: [{', '.join(parents)}]}}")
            if chance.random() < 0.5:
                more.append(f"start: {chance.choice(('on_complete', '{at: 20%}'))}")
            if chance.random() < 0.3:
                more.append("policy: {flush: manual}")
        else:
            more.append("tasks: 1")
        others = [each for each in names if each not in parents]
        if others and chance.random() < 0.3:
            more.append(f"after: {chance.choice(others)}")
        side = ""
        if "side: [a" in text and chance.random() < 0.3:
            more.append("matrix: []")
        elif "side: [a" in text:
            side = ', side: "${{ matrix.side }}"'
        if chance.random() < 0.2:
            more.append("wait_for: [{file: /sim/x, within: 5}]")
        if chance.random() < 0.2:
            more.append("approval: {subject: Go on?}")
        kind = "Merging" if parents else "MCSimulation"
        text += STEP.format(name=name, type=kind, more="\n    ".join(more), side=side)
        names.append(name)
    return text


@pytest.mark.parametrize("seed", range(60))
def test_any_production_is_drawn_like_itself(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    check(load_production(at_random(chance), "any.yaml"))


def test_a_step_starts_with_its_parents_and_is_flushed_after_them() -> None:
    found = links(drawn(read("chain")))
    starts = {(a, b) for a, b in found if a.endswith(".start") and b.endswith(".start")}
    flushes = {(a, b) for a, b in found if a.endswith(".complete") and b.endswith(".flush")}
    assert {(a.split(".")[0], b.split(".")[0]) for a, b in starts} == {
        (a.split(".")[0], b.split(".")[0]) for a, b in flushes
    }


def test_a_production_that_is_not_registered_has_no_task_for_it() -> None:
    production = read("diamond", ("vo: sim", "vo: sim, registry: false"))
    assert "prepare.register" not in drawn(production).ids.values()
    assert "prepare.register" in drawn(read("diamond")).ids.values()


def test_a_step_that_starts_at_a_share_is_ready_by_the_work_of_each_parent() -> None:
    production = read(
        "loop", ("    type: Training\n", "    type: Training\n    start: {at: 10%}\n")
    )
    plan = compile(production, run="r")
    assert watched_parents(production, plan.step("train.1")) == ("simulate",)
    assert watched_parents(production, plan.step("test.1")) == ()
    found = links(shape(production, plan))
    assert ("simulate.start", "train__1.ready_simulate") in found
    assert ("train__1.ready_simulate", "train__1.start") in found


def test_a_loop_is_a_box_of_passes() -> None:
    found = drawn(read("loop"))
    boxes = {group.id: group.within for group in found.groups}
    assert [name for name, within in boxes.items() if within == "tune"] == [
        "tune.pass_1",
        "tune.pass_2",
        "tune.pass_3",
    ]
    assert (boxes["train__2"], boxes["simulate"], boxes["apply"]) == ("tune.pass_2", "", "")
    assert {
        ("tune.pass_1.check", "tune.pass_2.begin"),
        ("tune.pass_2.begin", "train__2.create"),
        ("tune.pass_3.check", "tune.done"),
        ("tune.done", "apply.create"),
    } <= links(found)
    assert found.late == {"train.2", "test.2", "train.3", "test.3", "apply"}


def test_branches_are_in_a_box_of_their_step() -> None:
    found = drawn(read("matrix"))
    boxes = {group.within for group in found.groups if "-" in group.id}
    assert boxes
    assert "" not in boxes


def test_branches_that_come_before_and_after_each_other_are_not_in_boxes() -> None:
    text = """\
version: 1
production: {name: twisted, vo: sim}
common: {directory: '/sim/t/${{ run }}', se: DISK-A-SE}
matrix: {side: [a, b]}
steps:
""" + "".join(
        STEP.format(name=name, type="MCSimulation", more=more, side="")
        for name, more in (
            ("one", "tasks: 1"),
            ("two", "tasks: 1\n    matrix: [side]\n    after: [one]"),
            ("three", "tasks: 1\n    after: [two]"),
        )
    )
    assert {g.id for g in drawn(load_production(text, "t")).groups} >= {"one", "two", "three"}


def test_a_step_may_have_the_name_of_a_box_of_ours() -> None:
    production = read("chain")
    first = production.steps[0].name
    text = (GOOD / "chain.yaml").read_text()
    for taken in ("prepare", "finish"):
        found = drawn(load_production(text.replace(first, taken), "c"))
        groups = {group.id for group in found.groups}
        assert {taken, f"{taken}_"} <= groups


def test_a_loop_may_have_the_name_of_a_step_with_branches() -> None:
    production = read(
        "loop",
        ("loops:\n  tune:", "matrix: {side: [a, b]}\nloops:\n  simulate:"),
        ("step: simulate}", 'step: simulate, side: "${{ matrix.side }}"}'),
        ("run }}/simulate\n", "run }}/simulate/${{ matrix.side }}\n"),
        ("  train:\n", "  train:\n    matrix: []\n"),
        ("  test:\n", "  test:\n    matrix: []\n"),
        ("  apply:\n", "  apply:\n    matrix: []\n"),
    )
    check(production)
    assert {"simulate", "simulate_"} <= {group.id for group in drawn(production).groups}


def test_edges_say_what_links_the_steps() -> None:
    found = drawn(read_production(ROOT / "include" / "productions" / "mandelbrot.yaml"))
    labels = {(found.ids[e.before], found.ids[e.after]): e.label for e in found.edges if e.label}
    assert labels == {
        ("slices.complete", "merge.flush"): "step = slices (streaming)",
        ("merge.complete", "stitch.start"): "step = merge",
    }
