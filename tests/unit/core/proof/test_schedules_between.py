"""Schedules that name datasets of other files: is there such a step, and is there an end to it?"""

from __future__ import annotations

import json
from typing import Any

from dirac_prodsys.core.proof import gates_between, read
from tests.unit.core.writing import step


def text(name: str, assets: dict[str, Any] | None = None, *, dataset: bool = True) -> str:
    """A production whose one step ``make`` has a dataset."""
    made = step("MCSimulation")
    made["output"] = {
        "directory": f"/sim/{name}/${{{{ run }}}}",
        "se": "DISK-A-SE",
        "metadata": {"production": name, "run": "${{ run }}", "step": "make"},
        "files": ["f_@{JOB_ID}"],
    }
    if dataset:
        made["dataset"] = {"name": f"/sim/datasets/{name}_${{{{ run }}}}"}
    data = {"version": 1, "production": {"name": name, "vo": "sim"}, "steps": {"make": made}}
    if assets is not None:
        data["schedule"] = {"assets": assets}
    return json.dumps(data, indent=1)


def by(name: str, of: str = "make") -> dict[str, Any]:
    return {"production": name, "step": of}


def between(*sources: str, all_files: bool = True) -> list[tuple[str, int | None, str, str]]:
    reports = [read(source, f"{number}.yaml")[0] for number, source in enumerate(sources)]
    assert not any(report.broken for report in reports), [r.findings for r in reports]
    waits = [report.waits for report in reports if report.waits is not None]
    found = list(gates_between.check(waits, all_files=all_files))
    assert all(finding.hint for finding in found)
    return [(one.file, one.line, one.code, one.message) for one in found]


def test_a_chain_is_no_circle() -> None:
    assert between(text("a"), text("b", by("a")), text("c", {"any": [by("b"), by("a")]})) == []


def test_productions_that_begin_each_other_are_a_circle_wherever_it_is_written() -> None:
    source = text("b", {"any": [by("x"), by("c")]})
    found = between(text("a", by("c")), source, text("c", {"any": [by("b")]}), all_files=False)
    assert {(file, code) for file, _, code, _ in found} == {
        ("1.yaml", "cycle"),
        ("2.yaml", "cycle"),
    }
    (line,) = [line for file, line, _, _ in found if file == "1.yaml"]
    assert '"c"' in source.splitlines()[(line or 0) - 1]


def test_a_circle_that_needs_another_dataset_as_well_comes_to_an_end() -> None:
    assert between(text("new"), text("a", {"all": [by("b"), by("new")]}), text("b", by("a"))) == []


def test_a_production_or_step_that_does_not_exist_is_found() -> None:
    ((_, _, code, message),) = between(text("a"), text("b", by("aa")))
    assert (code, message) == (
        "unknown-production",
        "production 'aa' is in none of the files that were checked",
    )
    ((_, _, code, message),) = between(text("a"), text("b", by("a", "mak")))
    assert (code, message) == ("unknown-step", "production a has no step 'mak'")
    ((_, _, code, _),) = between(text("a", dataset=False), text("b", by("a")))
    assert code == "gate-without-dataset"
