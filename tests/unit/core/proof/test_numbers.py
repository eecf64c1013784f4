"""Values that the catalogue's database may take for others, reported before a grid is asked."""

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.grid.inventory import Inventory
from dirac_prodsys.core.proof import grid_lacks, prove
from tests.unit.core.proof.test_links import child, reasons, subject
from tests.unit.core.writing import output, step


def making(name: str = "a", **metadata: Any) -> Any:
    return {**step("MCSimulation", output=output(name, step=name, **metadata)), "tasks": 1}


def test_a_number_that_24_bits_do_not_hold_is_reported_once_where_it_shows_first() -> None:
    one = subject(
        a=making("a", zenith=52.374),
        b=making("b", zenith=40.1),
        c=child("a", "c", {"zenith": 52.374}),
    )
    (found,) = [p for p in prove(one) if p.code == "inexact-number"]
    assert found.path == ("steps", "a", "output", "metadata", "zenith")
    assert found.reason == (
        "zenith 52.374 (and 1 more) is no number of 24 bits: a field of type float keeps "
        "52.374000549316406, and one of type int 52"
    )


def test_numbers_that_any_field_holds_and_text_are_no_finding() -> None:
    one = subject(a=making(zenith=20, phi=52.5, size=16777216, version="52.374"))
    assert reasons(one, "inexact-number", "close-numbers") == []
    one = subject(a=making("a"), b=child("a", "b", {"Size": {"<": 0.1}}))
    assert reasons(one, "inexact-number") == []


def test_two_numbers_that_24_bits_do_not_tell_apart_are_reported_at_the_later() -> None:
    one = subject(a=making("a", run=16777216), b=making("b", run=16777217))
    (found,) = [p for p in prove(one) if p.code == "close-numbers"]
    assert found.path == ("steps", "b", "output", "metadata", "run")
    assert found.reason.startswith("run is 16777217 here and 16777216 in step a: in a field of")


def test_what_every_file_has_need_not_be_declared_and_narrows_a_link() -> None:
    one = subject(a=making("a"), b=child("a", "b", {"Size": {">": 100}}))
    assert reasons(one, "undeclared-field") == []
    assert reasons(one, "link") == ["step b takes part of the files (Size > 100) of a"]


def test_a_query_that_grows_too_long_by_the_numbers_that_are_kept_is_reported() -> None:
    angles = [round(20.1 + step, 1) for step in range(24)]
    made = making("a")
    made["output"] |= {"file_metadata": {"angle": angles}, "files": ["a_@{JOB_ID}"]}
    one = subject(a={**made, "dataset": {"name": "/sim/datasets/all"}})
    (reason,) = [r for r in reasons(one, "inexact-number") if "characters" in r]
    assert reason.startswith("where its fields are of type float, the query of the dataset has ")

    def too_long(kind: str) -> list[Any]:
        have = Inventory({"step": "VARCHAR(128)"}, {"angle": kind})
        return [problem.path for problem in grid_lacks.check(one, have) if problem.code == "text"]

    assert too_long("float") == [("steps", "a", "dataset")]
    assert too_long("double") == []
