"""The description of the routes, and whatever it allows to ask: no answer is an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings

from dirac_prodsys.core.reports.page.answers import actions, production, productions, site, step
from dirac_prodsys.core.reports.page.answers.common import Answer
from dirac_prodsys.ledger.store import Ledger
from tests.unit.provider.page.conftest import page_of

REFERENCE = Path(__file__).parents[4] / "docs" / "reference" / "page.md"

#: requests for each route
EXAMPLES = 15


@pytest.fixture
def described(
    server: FastAPI, airflow: None, told: Ledger, token: Callable[[str], str]
) -> schemathesis.schemas.BaseSchema:
    """The routes, as a user may ask them who may do everything."""
    schema = schemathesis.openapi.from_dict(page_of(server).openapi())
    schema.app = page_of(server)
    return schema


def test_nothing_that_can_be_asked_is_an_error_of_ours(
    described: Any, token: Callable[[str], str]
) -> None:
    headers = {"Authorization": f"Bearer {token('ada')}"}
    asked = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            answer = case.call(headers=headers)
            assert answer.status_code < 500, (case.as_curl_command(), answer.text)

        given(case=operation.as_strategy())(ask)()
        asked += 1
    assert asked >= 11


def test_every_field_of_every_answer_is_in_the_description(server: FastAPI) -> None:
    described = page_of(server).openapi()["components"]["schemas"]
    for model in (
        productions.ProductionsAnswer,
        production.ProductionAnswer,
        step.StepAnswer,
        site.GridAnswer,
        actions.ActionAnswer,
    ):
        assert issubclass(model, Answer)
        assert set(described[model.__name__]["properties"]) == set(model.model_fields)


def test_every_route_says_what_it_is_for(server: FastAPI) -> None:
    for path, methods in page_of(server).openapi()["paths"].items():
        for method, route in methods.items():
            assert route["description"], (path, method)
            assert "401" in route["responses"], (path, method)


def test_the_reference_names_every_route_and_filter(server: FastAPI) -> None:
    reference = REFERENCE.read_text()
    for path in page_of(server).openapi()["paths"]:
        named = path.replace("/static/{path}", "/static/…")
        assert f"{named}`" in reference or f"{named}?" in reference, path
    list_ = page_of(server).openapi()["paths"]["/api/productions"]["get"]
    for one in list_["parameters"]:
        assert f"`{one['name']}" in reference, one["name"]
