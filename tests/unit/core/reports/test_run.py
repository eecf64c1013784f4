"""What came of a run, in one table: its numbers are those of the steps, and text stays text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.jobs import JobState, job_report
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.run import (
    MOST_STEPS,
    DatasetState,
    ProductionReport,
    production_report,
)

TWO = Path(__file__).parents[2] / "provider" / "two.yaml"


@pytest.fixture
def plan() -> ProductionPlan:
    return compile(load_production(TWO.read_text(), "two.yaml"), run="r1")


@pytest.fixture
def report(plan: ProductionPlan) -> ProductionReport:
    name = plan.steps[0].transformation.name
    seen = Snapshot(
        7, name, "MCSimulation", TransformationStatus.COMPLETED, tasks={"Done": 4, "Failed": 2}
    )
    jobs = [JobState(n, "Done", "Execution Complete") for n in range(4)]
    jobs += [JobState(n, "Failed", "Application", "<b>", "LCG.A.org") for n in (5, 6)]
    return production_report(
        plan, {name: seen}, {name: job_report("t", jobs)}, {name: ["2 tasks Done, no output"]}
    )


def test_every_step_has_a_row_made_or_not(report: ProductionReport) -> None:
    lines = report.table().splitlines()
    assert lines[0] == "production two, run r1"
    first, second = lines[3], lines[4]
    assert first.split()[:4] == ["make", "7", "MCSimulation", "Completed"]
    assert "Done 4, Failed 2" in first
    assert second.split()[:5] == ["merge", "-", "Merging", "not", "made"]


def test_causes_and_remarks_are_reported_with_their_step(report: ProductionReport) -> None:
    assert report.causes() == ["2 jobs of make: Failed: Application: <b>"]
    assert "make: 2 tasks Done, no output" in report.table()
    assert [step.failed_jobs for step in report.steps] == [2, 0]


@pytest.mark.parametrize(
    ("datasets", "ending"),
    [
        ({"/sim/datasets/two": None}, ": not made"),
        ({"/sim/datasets/two": DatasetState(1, frozen=True)}, ": 1 file, frozen"),
        ({"/sim/datasets/two": DatasetState(3, frozen=False)}, ": 3 files, not frozen"),
        ({}, ": not known"),
    ],
)
def test_a_dataset_is_never_named_without_what_became_of_it(
    plan: ProductionPlan, datasets: dict[str, DatasetState | None], ending: str
) -> None:
    wanted = DatasetSpec(name="/sim/datasets/two", query=MetaQuery.from_dirac({"a": "b"}))
    make = replace(plan.steps[0], dataset=wanted)
    report = production_report(replace(plan, steps=(make,)), {}, {}, datasets=datasets)
    assert report.table().endswith(f"/sim/datasets/two{ending}")
    assert f"<td>/sim/datasets/two{ending}</td>" in report.to_html()


def test_the_page_shows_text_as_text_and_the_json_form_is_json(report: ProductionReport) -> None:
    page = report.to_html()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    data = json.loads(json.dumps(report.to_dict()))
    assert data["steps"][0]["jobs"]["rows"]
    assert data["steps"][1]["jobs"] is None


def test_of_many_steps_the_jobs_are_left_to_the_report_of_each(report: ProductionReport) -> None:
    many = replace(report, steps=report.steps[:1] * (MOST_STEPS + 1))
    assert "rows" not in many.to_dict()["steps"][0]["jobs"]
    assert many.to_text() == many.table()
    assert many.to_html().count("<table>") == 1
