"""A run is named by its ID in Airflow or by its tag, and both are the same run."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_prodsys.core.naming import (
    NameParts,
    fresh_name,
    name_parts,
    run_tag,
    tags_meant,
    transformation_name,
)
from dirac_prodsys.errors import DefinitionError

#: as Airflow 3 makes them, and as people do
RUN_IDS = (
    "manual__2026-11-29T10:00:00+00:00",
    "manual__2026-11-29T10:00:00.123456+00:00_aB3dE5fG",
    "scheduled__2026-10-01T00:00:00+00:00",
    "scheduled__2026-10-01T00:00:00.123456+00:00",
    "asset_triggered__2026-11-29T10:00:00.5+00:00_x7Yz",
    "backfill__2026-11-29T10:00:00+00:00",
    "night-7",
    "Run1",
    "a__b",
    "2026~11",
    "x" * 60,
)


@pytest.mark.parametrize("run_id", RUN_IDS)
def test_a_run_is_found_by_its_id_and_by_its_tag(run_id: str) -> None:
    assert tags_meant(run_id) == (run_tag(run_id),)
    assert tags_meant(run_tag(run_id))[0] == run_tag(run_id)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(alphabet="aAbB01f_-.:~+", min_size=1, max_size=50))
def test_no_run_id_is_lost(run_id: str) -> None:
    assert run_tag(run_id) in tags_meant(run_id)
    assert run_tag(run_id) in tags_meant(run_tag(run_id))


def test_a_run_id_that_looks_like_a_tag_may_be_either() -> None:
    assert tags_meant("build-1a2b3c4d") == ("build-1a2b3c4d", run_tag("build-1a2b3c4d"))
    # the digits of this one prove what it is
    assert tags_meant(run_tag("build-1a2b3c4d")) == (run_tag("build-1a2b3c4d"),)
    assert tags_meant("night-20261129") == ("night-20261129",)


def test_blanks_of_a_copy_do_not_count() -> None:
    assert tags_meant(" night-7\n") == ("night-7",)


@pytest.mark.parametrize("text", ["", "  ", "night-*", "night-?", "night-[1-3]"])
def test_what_names_no_single_run_says_the_way_out(text: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        tags_meant(text)
    assert "dirac-prodsys runs" in raised.value.hint


def test_a_name_is_taken_apart() -> None:
    name = transformation_name("p", "r1", "merge")
    assert name_parts(name) == NameParts("p", "r1", "merge", first=name)
    assert name_parts(fresh_name(name, 3)) == NameParts("p", "r1", "merge", first=name, start=3)
    second = transformation_name("p", "r1", "merge", 2)
    assert name_parts(fresh_name(second, 2)) == NameParts("p", "r1", "merge", second, 2)


@pytest.mark.parametrize("name", ["p", "p__r1", "p__r1__a__x", "p__r1__a__fresh"])
def test_a_name_that_no_plan_gives_has_no_parts(name: str) -> None:
    assert name_parts(name) is None
