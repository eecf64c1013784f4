"""The examples that the browser's side is written against are answers as the server gives them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.reports.page.answers import (
    actions,
    production,
    productions,
    site,
    step,
)
from dirac_prodsys.core.reports.page.answers.common import Answer
from dirac_prodsys.core.reports.page.bars import COLOURS
from dirac_prodsys.core.reports.page.states import LOOKS

FOLDER = Path(__file__).with_name("examples")

MODELS: dict[str, type[Answer]] = {
    "productions": productions.ProductionsAnswer,
    "production": production.ProductionAnswer,
    "step": step.StepAnswer,
    "errors": site.ErrorsAnswer,
    "grid": site.GridAnswer,
    "campaign": site.CampaignAnswer,
    "compare": site.CompareAnswer,
    "action_started": actions.Started,
    "action_preview": actions.ActionAnswer,
    "action_outcome": actions.ActionAnswer,
    "comment": actions.CommentWritten,
}


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within a JSON value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from parts(each)


def example(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def test_each_file_is_the_example_of_an_answer() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_an_example_has_the_fields_of_its_answer_and_no_others(name: str) -> None:
    found = example(name)
    assert MODELS[name].model_validate_json(json.dumps(found)).model_dump(mode="json") == found


@pytest.mark.parametrize("name", MODELS)
def test_states_and_bars_look_as_the_server_has_them(name: str) -> None:
    for part in parts(example(name)):
        if "needs_person" in part:
            look = LOOKS[part["kind"]]
            shown = part["label"], part["colour"], part["needs_person"]
            assert shown == (look.label, look.colour, look.needs_person)
        if "share" in part:
            assert part["colour"] == COLOURS[part["name"]]
        if "parts" in part:
            assert part["total"] == sum(one["count"] for one in part["parts"])
