"""Names are keys: same in, same out, and different in, different out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_prodsys.core import naming
from dirac_prodsys.errors import DefinitionError


@pytest.mark.parametrize(
    ("run_id", "tag"),
    [
        ("r1", "r1"),
        ("dry-run", "dry-run"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 31 + "-3164596d"),
        ("2026.10.01", "2026.10.01"),
        ("manual__2026-10-01T12:00:00+00:00", "manual-2026-10-01T12-00-00-00-0-ebbd84ee"),
        ("scheduled__2026-10-01T00:00:00.123456+00:00", "scheduled-2026-10-01T00-00-00.1-0fc75fc0"),
        ("Run1", "Run1-9cac1c3d"),
        ("a__b", "a-b-63e5c1c4"),
        ("a_", "a-571fb0e3"),
        ("", "e3b0c442"),
        ("läuft", "l-uft-870fa7cc"),
        ("/../", "7302d5f9"),
    ],
)
def test_a_run_tag_is_short_safe_and_known_for_ever(run_id: str, tag: str) -> None:
    assert naming.run_tag(run_id) == tag


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_every_run_id_gives_a_tag_that_fits_everywhere(run_id: str) -> None:
    tag = naming.run_tag(run_id)
    assert 0 < len(tag) <= naming.MAX_RUN_TAG
    assert naming.check_name(tag, "run") == tag
    assert naming.run_tag(run_id) == tag


@pytest.mark.parametrize(
    "run_id", ["night 7", "manual__2026-11-20T00:00:00+00:00", "A", "ä", "x" * 99]
)
def test_a_run_never_has_the_tag_of_another_that_was_marked(run_id: str) -> None:
    tag = naming.run_tag(run_id)
    assert naming.looks_marked(tag)
    assert naming.run_tag(tag) != tag
    assert naming.run_tag(naming.run_tag(tag)) not in (tag, naming.run_tag(tag))


@pytest.mark.parametrize("run_id", ["r1", "nightly-20261128", "night-7", "cafe", "a-deadbee"])
def test_an_ordinary_run_keeps_its_id_as_its_tag(run_id: str) -> None:
    assert naming.run_tag(run_id) == run_id


def test_the_tags_of_runs_that_were_marked_before_stay() -> None:
    assert naming.run_tag("night 7") == "night-7-0942e4db"


def test_no_mark_is_a_day() -> None:
    marks = {naming.mark(str(number)) for number in range(20_000)}
    assert all(naming.looks_marked(mark) for mark in marks)


def test_a_dag_of_the_product_itself_is_no_production() -> None:
    for name in ("production_operations", "Production_Operations"):
        with pytest.raises(DefinitionError, match="a DAG of dirac_prodsys itself"):
            naming.dag_id(name)
    assert naming.dag_id("a" * 250)
    with pytest.raises(DefinitionError, match="251 characters"):
        naming.dag_id("a" * 251)


_run_ids = st.text(alphabet="aAbB01_-.: ", min_size=1, max_size=12)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(_run_ids, _run_ids)
def test_different_runs_get_tags_that_differ_in_more_than_case(one: str, other: str) -> None:
    same = naming.run_tag(one).lower() == naming.run_tag(other).lower()
    assert same == (one == other)


def test_a_transformation_is_named_by_production_run_and_step() -> None:
    assert naming.transformation_name("mandelbrot", "r1", "merge") == "mandelbrot__r1__merge"
    assert len(naming.transformation_name("p" * 100, "r" * 40, "s" * 111)) == 255
    with pytest.raises(DefinitionError, match="256 characters"):
        naming.transformation_name("p" * 100, "r" * 40, "s" * 112)


def test_a_step_that_is_made_again_has_a_name_of_its_own() -> None:
    assert naming.transformation_name("p", "r", "s", 1) == "p__r__s"
    assert naming.transformation_name("p", "r", "s", 2) == "p__r__s__2"
    assert naming.fresh_name("p__r__s", 1) == "p__r__s"
    assert naming.fresh_name("p__r__s", 2) == "p__r__s__fresh2"
    # a pass of a loop and a fresh start of another one are never the same
    assert naming.fresh_name("p__r__s__2", 3) == "p__r__s__2__fresh3"
    for name in (("p" * 100, "r" * 40, "s" * 110, 2), ("p" * 100, "r" * 40, "s" * 111, 12)):
        with pytest.raises(DefinitionError, match="more than 255"):
            naming.transformation_name(*name)
    with pytest.raises(DefinitionError, match="more than 255"):
        naming.fresh_name("p" * 249, 2)


_names = st.from_regex(r"[a-z0-9](?:[a-z0-9_.-]{0,6}[a-z0-9])?", fullmatch=True).filter(
    lambda name: "__" not in name
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.tuples(_names, _names, _names), st.tuples(_names, _names, _names))
def test_different_steps_have_different_names(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert naming.check_name(one[0], "production") == one[0]
    same = naming.transformation_name(*one) == naming.transformation_name(*other)
    assert same == (one == other)


@pytest.mark.parametrize("name", ["mandelbrot", "a", "A1", "a_b", "a.b-c", "2026"])
def test_a_plain_name_is_taken(name: str) -> None:
    assert naming.dag_id(name) == name


@pytest.mark.parametrize("name", ["", "a b", "a__b", "_a", "a_", "-a", "a/b", "ä", "a\n", "."])
def test_a_name_that_would_break_a_key_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="cannot name a production"):
        naming.dag_id(name)


def test_the_asset_of_a_step() -> None:
    assert naming.asset_uri("sim", "mandelbrot", "stitch") == "dirac://sim/mandelbrot/stitch"


@pytest.mark.parametrize("path", ["/sim/a", "/sim/demo/r1/Step_2.x", "/sim/a+b=c@d"])
def test_a_directory_of_the_organisation_is_taken(path: str) -> None:
    assert naming.check_directory(path, "sim") == path


@pytest.mark.parametrize(
    "path",
    ["", "/", "sim/a", "/sim/a/", "/sim//a", "/sim/../a", "/sim/./a", "/sim/a b", "/other/a"],
)
def test_a_directory_elsewhere_or_unclear_is_refused(path: str) -> None:
    with pytest.raises(DefinitionError):
        naming.check_directory(path, "sim")


def test_lengths_are_those_of_the_catalogue() -> None:
    assert naming.check_directory("/sim/" + "a" * 250, "sim")
    with pytest.raises(DefinitionError, match="256 characters"):
        naming.check_directory("/sim/" + "a" * 251, "sim")
    assert naming.check_dataset_name("/sim/" + "a" * 128, "sim")
    with pytest.raises(DefinitionError, match="129 characters"):
        naming.check_dataset_name("/sim/" + "a" * 129, "sim")


class TestGenerations:
    @pytest.mark.parametrize("run_id", ["night-7", "manual__2026-11-30T10:00:00+00:00", "A b"])
    def test_the_tag_of_a_later_one_is_its_id(self, run_id: str) -> None:
        tag = naming.run_tag(run_id)
        later = naming.generation_id(tag, 12)
        assert naming.run_tag(later) == later == f"{tag}.g12"
        assert naming.generation_of(later) == (tag, 12)
        assert naming.generation_of(tag) is None
        assert naming.tags_meant(later) == (later,)
        assert naming.means_run(f"{tag}*", later)

    @pytest.mark.parametrize(
        "run_id",
        ["night.g1", "night.g02", "night.g1000", "A b.g2", "Night.g2", "a__b.g2", "r.g2.g3"],
    )
    def test_other_runs_are_no_generation(self, run_id: str) -> None:
        assert naming.generation_of(run_id) is None

    def test_no_run_gets_the_tag_of_a_generation(self) -> None:
        """``manual__x`` is cut and marked: a run of its tag with a number is not that run."""
        tag = naming.run_tag("manual__x")
        assert naming.run_tag(f"{tag}.g2") == f"{tag}.g2"
        assert naming.run_tag("manual__x.g2") != f"{tag}.g2"
