"""Loops written out: every pass a generation of names of its own, and who takes the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.gates.gate import Facts, Gate, decide_gate
from dirac_prodsys.core.plan import loops
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.errors import DefinitionErrors

TEXT = (Path(__file__).parents[3] / "productions" / "good" / "loop.yaml").read_text()


def test_passes_of_a_step_are_steps_that_share_nothing() -> None:
    plan = compile(load_production(TEXT, "f"), run="r1")
    trained = [plan.step(f"train.{number}").transformation for number in (1, 2, 3)]
    assert [one.name for one in trained] == [f"tuning__r1__train.{n}" for n in (1, 2, 3)]
    assert len({one.directories[0].path for one in trained}) == 3
    assert len({str(one.output_query) for one in trained}) == 3
    assert plan.step("test.2").parents == ("train.2",)
    assert plan.step("train.2").parents == ("simulate",)
    assert [gate.name for gate in plan.loops[0].gates] == [
        f"/sim/tuning/r1/test/{number}/quality.json" for number in (1, 2, 3)
    ]
    assert plan.grows
    assert {step.name for step in plan.ended({"tune": 2}).steps} == {
        *("simulate", "train.1", "test.1", "train.2", "test.2", "apply")
    }
    assert plan.ended({}) == plan


@pytest.mark.parametrize("last", [1, 2, 3])
def test_who_is_outside_takes_the_last_pass_as_soon_as_it_is_known(last: int) -> None:
    production = load_production(TEXT, "f")
    before = compile(production, run="r1")
    assert before.step("apply").parents == ("train.3",)
    after = compile(production, run="r1", last={"tune": last})
    assert after.step("apply").parents == (f"train.{last}",)
    assert f"train-{last}" in str(after.step("apply").transformation.input_query)
    for step in before.steps:
        if step.name != "apply":
            assert after.step(step.name) == step
    names = {step.name: step.transformation.name for step in before.steps}
    assert {step.name: step.transformation.name for step in after.steps} == names


AFTER = """\
    output:
      directory: /sim/tuning/${{ run }}/apply
      se: DISK-A-SE
      metadata: {production: tuning, run: "${{ run }}", step: apply}
      files: [applied.h5]
  last:
    type: Merging
    input: {from: apply}
    job: {type: script, executable: x}
"""


def test_who_depends_on_a_loop_is_known() -> None:
    text = TEXT + AFTER
    production = load_production(text, "f")
    for step, found in {
        "apply": ("tune",),
        "last": ("tune",),
        "test.2": (),
        "simulate": (),
    }.items():
        assert loops.deciding_loops(production, step) == found
    for step, named in {"apply": {"train.3": "tune"}, "test.2": {}, "last": {}}.items():
        assert loops.foreign_steps(production, step) == named


def test_a_mistake_in_a_step_of_a_loop_is_reported_once_and_where_it_is_written() -> None:
    text = TEXT.replace("executable: test}", 'executable: test, arguments: "${{ pas }}"}')
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "${{ pas }}" in one)
    with pytest.raises(DefinitionErrors) as raised:
        load_production(text, "f")
    (error,) = raised.value.errors
    assert error.line == line
    assert "did you mean 'pass'" in error.hint


def test_a_parameter_cannot_decide_how_often() -> None:
    text = TEXT.replace("at_most: 3", "at_most: ${{ parameters.n }}").replace(
        "loops:", "parameters: {n: {type: int, default: 3}}\nloops:", 1
    )
    with pytest.raises(DefinitionErrors, match="a parameter cannot decide this"):
        load_production(text, "f")


GATE = Gate("value", "/sim/q", when="auc >= 0.8", within=3600.0)


@pytest.mark.parametrize(
    ("facts", "waited", "kind"),
    [
        (Facts(), 0, "wait"),
        (Facts(), 3600, "fail"),
        (Facts(unread={"/sim/q": "down"}), 0, "wait"),
        (Facts(unread={"/sim/q": "down"}), 3600, "fail"),
        (Facts(contents={"/sim/q": b"auc = 0.8"}), 0, "open"),
        (Facts(contents={"/sim/q": b"auc = 0.8"}), 9999, "open"),
        (Facts(contents={"/sim/q": b"auc = 0.7"}), 0, "closed"),
        (Facts(contents={"/sim/q": b"auc = 0.7"}), 9999, "closed"),
        # what cannot be read may be replaced
        (Facts(contents={"/sim/q": b"{"}), 0, "wait"),
        (Facts(contents={"/sim/q": b"loss = 1"}), 0, "wait"),
        (Facts(contents={"/sim/q": b"loss = 1"}), 3600, "fail"),
    ],
)
def test_after_a_pass_its_number_decides(facts: Facts, waited: float, kind: str) -> None:
    assert decide_gate(GATE, facts, waited=waited).kind == kind
