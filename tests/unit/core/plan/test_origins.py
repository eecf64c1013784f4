"""Every condition of every input query has an origin, and the origins make the condition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import inspect
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.plan.origins import conditions
from dirac_prodsys.core.query.meta_query import MetaQuery
from tests.unit.communities.ctao import ctao_files

ROOT = Path(__file__).parents[4]
FILES = [
    *sorted((ROOT / "tests" / "productions" / "good").glob("[!_]*.yaml")),
    *sorted((ROOT / "include" / "productions").rglob("*.yaml")),
    *sorted((ROOT / "tests" / "integration" / "ctao").glob("*.yml")),
]


def sibling_reader(file: Path) -> Callable[[str], str | None]:
    def read(name: str) -> str | None:
        folders = (file.parent, file.parent / "other_files")
        paths = [folder / name for folder in folders if (folder / name).is_file()]
        return paths[0].read_text("utf-8") if paths else None

    return read


def read(text: str, name: str = "f.yaml", file: Path | None = None):
    reading = inspect(text, name, read_sibling=None if file is None else sibling_reader(file))
    assert not reading.mistakes
    return reading


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_conditions_of_a_production_are_explained_at_places_of_its_file(file: Path) -> None:
    reading = read(file.read_text("utf-8"), str(file), file)
    for step in reading.plan.steps:
        found = conditions(reading.production, reading.plan, step.name, {})
        query = step.transformation.input_query
        if query is not None:
            assert {each.field: each.condition for each in found} == query.to_dirac()
        for each in found:
            assert each.origins, f"{step.name}: {each.field}"
            for origin in each.origins:
                there = reading.dialect.place(origin.path, reading.document)
                assert reading.document.node(there)[1], f"{step.name}: {there} is not in the file"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_one_parent_and_the_child_say_is_together_the_condition(file: Path) -> None:
    reading = read(file.read_text("utf-8"), str(file), file)
    for step in reading.plan.steps:
        found = conditions(reading.production, reading.plan, step.name, {})
        assert bool(found) == (step.transformation.input_query is not None)
        for each in found:
            if len(step.parents) > 1 or "${{" in str(each.origins):
                continue  # parents are joined by "or"; placeholders stand as they are written
            together = MetaQuery()
            for origin in each.origins:
                together = together.refine(MetaQuery.parse({each.field: origin.condition}))
            assert together == MetaQuery.parse({each.field: each.condition})


def test_a_dataset_and_what_narrows_it_are_both_named() -> None:
    root = ctao_files.step(1, ctao_files.PROCESSING, {"dataset": "/ctao/d", "particle": "proton"})
    reading = read(ctao_files.text(root))
    datasets = {"/ctao/d": ctao_files.ROOT}
    plan = compile_plan(reading.production, run="r1", datasets=datasets)
    name = plan.steps[0].name
    found = {c.field: c for c in conditions(reading.production, plan, name, datasets)}
    assert [o.kind for o in found["particle"].origins] == ["dataset", "where"]
    assert [o.kind for o in found["site"].origins] == ["dataset"]


def test_what_an_output_inherits_is_traced_to_the_step_that_wrote_it_first() -> None:
    reading = read(
        ctao_files.text(
            ctao_files.step(1, ctao_files.SIMULATION),
            ctao_files.step(2, ctao_files.PROCESSING, {"parentID": 1, "moon": "dark"}),
            ctao_files.step(3, ctao_files.MERGING, {"parentID": 2}),
        )
    )
    found = {
        each.field: [(o.kind, o.step, o.path[-1]) for o in each.origins]
        for each in conditions(reading.production, reading.plan, "Step3_Merging", {})
    }
    assert found["site"] == [("output", "Step1_MCSimulation", "site")]
    assert found["phiP"] == [("output", "Step1_MCSimulation", "pointing_dir")]
    assert found["MCCampaign"] == [("output", "Step2_CtapipeProcessing", "MCCampaign")]
    assert found["nsb"] == [
        ("output", "Step1_MCSimulation", "moon"),
        ("where", "Step2_CtapipeProcessing", "nsb"),
    ]


def test_a_step_without_input_has_nothing_to_explain() -> None:
    reading = read(ctao_files.text(ctao_files.step(1, ctao_files.SIMULATION)))
    assert conditions(reading.production, reading.plan, "Step1_MCSimulation", {}) == ()
    with pytest.raises(KeyError):
        conditions(reading.production, reading.plan, "nowhere", {})
