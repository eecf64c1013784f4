"""Later generations of a run: which steps have a part in them, and what each takes."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core import naming
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.run.generations import (
    Generation,
    left_out,
    plan_of_run,
    read_generation,
)
from dirac_prodsys.errors import DefinitionError

HEAD = "version: 1\nproduction: {name: p, vo: sim}\nsteps:\n"

STEP = """
  %(step)s:
    type: %(type)s
    %(more)s
    job: {type: script, executable: run-it}
    output:
      directory: /sim/p/${{ run }}/%(step)s
      se: DISK-A-SE
      metadata: {%(metadata)s, step: %(step)s}
      files: ["%(step)s_@{JOB_ID}"]
"""
BY_RUN = 'run: "${{ run }}"'
DATASET = '    dataset: {name: "/sim/datasets/p_${{ run }}", expect_files: 3}\n'


def text(*steps: tuple[str, str], metadata: str = BY_RUN, tail: str = "") -> str:
    parts = [
        STEP
        % {
            "step": step,
            "more": more,
            "metadata": metadata,
            "type": "MCSimulation" if "tasks" in more else "Merging",
        }
        for step, more in steps
    ]
    return HEAD + "".join(parts) + tail


CHAIN = (
    ("take", "input: {where: {step: raw}}"),
    ("make", "tasks: 3"),
    ("merge", "input: {from: [take, make]}"),
    ("aside", "input: {from: make}"),
)


def planned(yaml: str, number: int, *steps: str) -> ProductionPlan:
    generation = Generation("r1", number, steps)
    run = naming.generation_id("r1", number)
    production = load_production(yaml, "p.yaml")
    return plan_of_run(production, run=run, parameters={}, generation=generation)


class TestSteps:
    def test_those_that_take_new_files_and_those_after_them_have_a_part(self) -> None:
        plan = planned(text(*CHAIN), 2, "take")
        assert [step.name for step in plan.steps] == ["take", "merge"]
        take, merge = plan.steps
        assert take.transformation.name == "p__r1.g2__take"
        assert take.transformation.input_query is None
        assert take.newer is not None
        assert take.newer.query.to_dirac() == {"step": {"=": "raw"}}
        assert take.newer.earlier == ("p__r1__take",)
        assert merge.newer is None
        assert merge.parents == ("take",)
        query = merge.transformation.input_query
        assert query is not None
        assert query.matches({"run": "r1.g2", "step": "take"})
        assert not query.matches({"run": "r1", "step": "take"})

    def test_a_step_in_the_middle_takes_what_its_parents_made_in_the_first_run(self) -> None:
        (merge,) = planned(text(*CHAIN), 2, "merge").steps
        assert merge.newer is not None
        assert merge.newer.query.matches({"run": "r1", "step": "take"})
        assert merge.parents == ()

    def test_a_third_one_takes_what_neither_of_the_first_two_has_taken(self) -> None:
        take = planned(text(*CHAIN), 3, "take").steps[0]
        assert take.newer is not None
        assert take.newer.earlier == ("p__r1__take", "p__r1.g2__take")

    def test_a_step_whose_query_would_find_earlier_files_waits_for_a_reopening_of_its_own(
        self,
    ) -> None:
        yaml = text(*CHAIN[:1], ("merge", "input: {from: take}"), metadata="campaign: c")
        plan = planned(yaml, 2, "take")
        assert [step.name for step in plan.steps] == ["take"]
        whole = compile(load_production(yaml, "p.yaml"), run="r1.g2", parameters={})
        assert left_out(whole, plan) == ("merge",)

    def test_a_step_that_takes_no_query_cannot_be_reopened(self) -> None:
        with pytest.raises(DefinitionError, match="step make takes its files by no query"):
            planned(text(*CHAIN), 2, "make")

    def test_a_step_that_is_gone_is_named(self) -> None:
        with pytest.raises(DefinitionError, match="no step gone any more"):
            planned(text(*CHAIN), 2, "gone")


class TestDatasets:
    def test_it_is_a_new_version_with_the_files_of_all_generations(self) -> None:
        (take,) = planned(text(*CHAIN[:1], tail=DATASET), 3, "take").steps
        assert take.dataset is not None
        assert take.dataset.name == "/sim/datasets/p_r1_v3"
        assert take.dataset.expect_files is None
        for run in ("r1", "r1.g2", "r1.g3"):
            assert take.dataset.query.matches({"run": run, "step": "take"})
        assert not take.dataset.query.matches({"run": "r2", "step": "take"})

    def test_it_holds_its_own_files_if_no_query_finds_those_of_all(self) -> None:
        metadata = 'run: "${{ run }}", label: "of-${{ run }}"'
        (take,) = planned(text(*CHAIN[:1], metadata=metadata, tail=DATASET), 2, "take").steps
        assert take.dataset is not None
        assert take.dataset.name == "/sim/datasets/p_r1_v2"
        assert take.dataset.query == take.transformation.output_query


class TestReading:
    def test_a_run_without_the_key_is_a_first_one(self) -> None:
        assert read_generation({}, "r1.g2") is None
        assert read_generation({"reopens": 5}, "r1") is None  # a parameter of that name

    def test_what_was_written_is_read(self) -> None:
        made = Generation("r1", 2, ("a", "b"))
        assert read_generation(made.to_conf(), "r1.g2") == made
        assert made.earlier == ("r1",)

    @pytest.mark.parametrize(
        ("asked", "run_id"),
        [
            ({"run": "r1", "steps": ["a"]}, "r1"),
            ({"run": "r1", "steps": ["a"]}, "r2.g2"),
            ({"run": "r1", "steps": []}, "r1.g2"),
            ({"run": "r1", "steps": "a"}, "r1.g2"),
            ({"run": "r1", "steps": [1]}, "r1.g2"),
            ({"steps": ["a"]}, "r1.g2"),
        ],
    )
    def test_what_somebody_wrote_by_hand_is_refused(self, asked: Any, run_id: str) -> None:
        with pytest.raises(DefinitionError, match="reopen"):
            read_generation({"reopens": asked}, run_id)
