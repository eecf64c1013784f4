"""What an inventory of a grid lacks for a production."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.inventory import Inventory
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.proof import grid_lacks
from dirac_prodsys.core.query import stored_values
from tests.unit.core.proof.test_links import child, subject
from tests.unit.core.writing import output, step

HAVE = Inventory(
    directory_fields={
        "step": "VARCHAR(128)",
        "level": "int",
        "zenith": "float",
        "night": "date",
        "label": "string",
    },
    file_fields={"number": "int"},
    storage_elements=frozenset({"DISK-A-SE"}),
    sites=frozenset({"SIM.SiteA.org"}),
    transformation_types=frozenset({"MCSimulation", "Merging", "Replication"}),
)


def lacking(have: Inventory = HAVE, **steps: dict[str, Any]) -> list[tuple[str, str]]:
    """Code and place of what the grid lacks."""
    return [
        (problem.code, ".".join(str(part) for part in problem.path))
        for problem in grid_lacks.check(subject(**steps), have)
    ]


def leaving(**metadata: Any) -> dict[str, Any]:
    return {**output("a", step="a", **metadata), "files": ["x_@{JOB_ID}"]}


def test_what_the_grid_has_is_no_finding() -> None:
    job = {"type": "script", "executable": "x", "sites": ["SIM.SiteA.org"]}
    made = leaving(level=1, zenith=20, night="2026-01-01")
    assert not lacking(
        a={**step("MCSimulation", output=made), "job": job},
        b=child("a", "b", {"number": {"<": 5}, "Size": {">": 0}}),
    )


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"colour": "red"}, "unknown-field"),
        ({"number": 1}, "file-field"),
        ({"level": "one"}, "field-type"),
        ({"level": 1.5}, "field-type"),
        ({"zenith": "high"}, "field-type"),
        ({"night": 20260101}, "field-type"),
        ({"label": 5}, "number-as-text"),
    ],
)
def test_metadata_that_no_directory_can_have_are_reported_where_they_stand(
    metadata: dict[str, Any], code: str
) -> None:
    (field,) = metadata
    found = lacking(a=step("MCSimulation", output=leaving(**metadata)))
    assert found == [(code, f"steps.a.output.metadata.{field}")]


@pytest.mark.parametrize(
    ("value", "kind", "wrong"),
    [
        ("x" * 128, "VARCHAR(128)", ""),
        ("x" * 129, "VARCHAR(128)", "longer than 128 characters"),
        (1, "string", stored_values.AS_TEXT),
        ("1", "INT", "text"),
        (2**31, "int", "too big"),
        (1, "float", ""),
        (3, "SOMETHING", ""),
    ],
)
def test_a_value_fits_a_type_or_the_reason_is_given(value: Any, kind: str, wrong: str) -> None:
    assert stored_values.misfit(value, kind) == wrong


def test_conditions_on_fields_are_reported_at_the_condition_and_inherited_ones_once() -> None:
    found = lacking(
        a=step("MCSimulation", output=leaving(colour="red")),
        b=child("a", "b", {"shape": "round", "number": "five"}),
        c=step("Merging", "a"),
    )
    assert sorted(found) == [
        ("field-type", "steps.b.input.where.number"),
        ("unknown-field", "steps.a.output.metadata.colour"),
        ("unknown-field", "steps.b.input.where.shape"),
    ]


def test_a_percent_sign_is_reported_of_fields_of_files_and_of_no_others() -> None:
    have = dataclasses.replace(HAVE, file_fields={"part": "VARCHAR(128)"})
    made = step("MCSimulation", output=leaving())
    asking = child("a", "b", {"part": {"in": ["50%", "60"]}, "label": "50%"})
    assert lacking(have, a=made, b=asking) == [("condition", "steps.b.input.where.part")]


def test_storage_elements_sites_and_types_that_do_not_exist_are_reported() -> None:
    job = {"type": "script", "executable": "x", "sites": ["SIM.SiteA.org", "SIM.SiteX.org", "ANY"]}
    operations = [
        {"type": "ReplicateAndRegister", "SourceSE": "DISK-A-SE", "TargetSE": "TASK:TargetSE"},
        {"type": "CheckMigration", "TargetSE": "DISK-X-SE"},
    ]
    copy: dict[str, Any] = {"type": "Replication", "input": {"from": "a"}}
    copy["plugin_parameters"] = {"TargetSE": "DISK-A-SE"}
    targets = {"plugin_parameters": {"TargetSE": ["DISK-A-SE", "DISK-Z-SE"]}}
    found = lacking(
        a={**step("MCSimulation", output={**leaving(), "se": "DISK-Y-SE"}), "job": job},
        b=step("Training", "a"),
        c={**copy, **targets, "job": {"type": "request", "operations": operations}},
    )
    assert found == [
        ("unknown-se", "steps.a.output.se"),
        ("unknown-site", "steps.a.job.sites.1"),
        ("undeclared-type", "steps.b.type"),
        ("unknown-se", "steps.c.job.operations.1.TargetSE"),
        ("unknown-se", "steps.c.plugin_parameters.TargetSE"),
    ]


def test_nothing_follows_from_what_is_not_known() -> None:
    fields = {"step": "VARCHAR(128)"}
    job = {"type": "script", "executable": "x", "sites": ["SIM.SiteX.org"]}
    made = {**step("Training", output=leaving()), "job": job, "input": {"where": {"step": "z"}}}
    assert lacking(Inventory(directory_fields=fields), a=made) == []


def test_a_plugin_that_needs_a_setting_of_the_site_is_reported_where_it_lacks() -> None:
    taking = {**child("a", "b"), "plugin": "ByShare"}
    made = step("MCSimulation", output=leaving())
    lacks = replace(HAVE, unset=frozenset({"/Resources/Shares/CPU"}))
    assert ("unset-section", "steps.b.plugin") in lacking(lacks, a=made, b=taking)
    assert ("unset-section", "steps.b.plugin") not in lacking(a=made, b=taking)
    assert not any(code == "unset-section" for code, _ in lacking(lacks, a=made, b=child("a", "b")))


@pytest.mark.parametrize(
    ("files", "parameter", "lacks"),
    [
        ({"where": {"step": "raw"}, "each": "number"}, "int", []),
        ({"where": {"step": "raw"}, "each": "label"}, "string", []),
        (
            {"where": {"step": "raw"}, "each": "obs_id"},
            "int",
            [("unknown-field", "schedule.files.each.0")],
        ),
        (
            {"where": {"stage": "raw"}, "each": "number"},
            "int",
            [("unknown-field", "schedule.files.where.stage")],
        ),
        (
            {"where": {"step": "raw"}, "each": "label"},
            "int",
            [("field-type", "schedule.parameters_from_event.value")],
        ),
    ],
)
def test_a_watcher_needs_fields_of_the_catalogue_and_parameters_that_take_them(
    files: dict[str, Any], parameter: str, lacks: list[tuple[str, str]]
) -> None:
    schedule = {"files": files, "parameters_from_event": {"value": files["each"]}}
    data = {
        "version": 1,
        "production": {"name": "p", "vo": "sim"},
        "schedule": schedule,
        "parameters": {"value": {"type": parameter}},
        "steps": {"make": step("MCSimulation")},
    }
    production = load_production(json.dumps(data), "p.yaml")
    watched = Subject(production, compile(production, run="r1"))
    found = [
        (problem.code, ".".join(str(part) for part in problem.path))
        for problem in grid_lacks.check(watched, HAVE)
    ]
    assert found == lacks
