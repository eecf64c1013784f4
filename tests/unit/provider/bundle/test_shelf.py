"""What is served: the last good text of each production, and each mistake in a file of its
own."""

from __future__ import annotations

import ast

import pytest

from dirac_prodsys.errors import DefinitionError
from dirac_prodsys.provider.bundle.shelf import Served, Shelf, arrange, file_stem
from dirac_prodsys.provider.bundle.sources import Source


def good(file: str, production: str, text: str = "text") -> Source:
    return Source(file, production, text)


def bad(file: str) -> Source:
    return Source(file, error=f"{file}:3:1: oops")


def test_good_files_are_served() -> None:
    shelf = arrange([good("a.yaml", "x"), good("b.yaml", "y")], {})
    assert shelf.productions == {"x": Served("a.yaml", "text"), "y": Served("b.yaml", "text")}
    assert shelf.errors == {}


def test_a_broken_file_leaves_its_production_as_it_was() -> None:
    before = {"x": Served("a.yaml", "old")}
    shelf = arrange([bad("a.yaml"), good("b.yaml", "y")], before)
    assert shelf.productions["x"].text == "old"
    assert shelf.productions["x"].retired is False
    assert shelf.errors == {"a.yaml": "a.yaml:3:1: oops"}


def test_a_file_that_was_never_good_serves_nothing() -> None:
    assert arrange([bad("a.yaml")], {}).productions == {}


def test_of_two_files_with_one_production_the_first_goes_on() -> None:
    shelf = arrange([good("a.yaml", "x", "new"), good("b.yaml", "x")], {"x": Served("b.yaml", "")})
    assert shelf.productions == {"x": Served("b.yaml", "text")}
    assert shelf.errors == {"a.yaml": "a.yaml: production 'x' is already defined by b.yaml"}


def test_when_nobody_served_it_before_the_first_by_name_does() -> None:
    shelf = arrange([good("b.yaml", "x"), good("a.yaml", "x")], {})
    assert shelf.productions["x"].file == "a.yaml"


def test_a_broken_owner_is_not_robbed() -> None:
    shelf = arrange([bad("a.yaml"), good("b.yaml", "x")], {"x": Served("a.yaml", "old")})
    assert (shelf.productions["x"].file, shelf.productions["x"].text) == ("a.yaml", "old")
    assert "already defined by a.yaml" in shelf.errors["b.yaml"]


def test_a_renamed_file_goes_on_serving_its_production() -> None:
    shelf = arrange([good("new.yaml", "x")], {"x": Served("old.yaml", "text")})
    assert shelf.productions == {"x": Served("new.yaml", "text")}
    assert shelf.errors == {}


def test_a_file_that_turns_to_another_production_leaves_its_first_one_free() -> None:
    before = {"x": Served("a.yaml", "1"), "y": Served("c.yaml", "2")}
    shelf = arrange([good("a.yaml", "y"), good("b.yaml", "x"), good("c.yaml", "y")], before)
    assert shelf.productions["x"].file == "b.yaml"
    assert shelf.productions["y"].file == "c.yaml"
    assert list(shelf.errors) == ["a.yaml"]


def test_a_production_whose_file_is_gone_is_retired_until_it_comes_back() -> None:
    shelf = arrange([], {"x": Served("a.yaml", "old")})
    assert shelf.retired == ["x"]
    assert "a.yaml is gone" in shelf.productions["x"].note
    assert shelf.productions["x"].mark == "retired"
    assert arrange([], dict(shelf.productions)).retired == ["x"]
    back = arrange([good("a.yaml", "x")], dict(shelf.productions))
    assert back.productions == {"x": Served("a.yaml", "text")}


def test_a_production_that_was_renamed_in_its_file_is_reported() -> None:
    before = {"gamprod": Served("gam.yaml", "old")}
    shelf = arrange([good("gam.yaml", "gamprod2")], before)
    assert shelf.retired == ["gamprod"]
    assert "gam.yaml now defines gamprod2" in shelf.productions["gamprod"].note
    assert "gone" not in shelf.productions["gamprod"].note
    # an error in the file tells nothing of the production that it had before
    broken = arrange([bad("gam.yaml")], dict(shelf.productions))
    assert broken.productions["gamprod"] == shelf.productions["gamprod"]
    assert broken.productions["gamprod2"].mark == "file has an error"
    gone = arrange([], dict(shelf.productions))
    assert "gam.yaml is gone" in gone.productions["gamprod"].note


def test_a_production_tells_what_is_wrong_with_its_file_and_since_when() -> None:
    before = {"x": Served("a.yaml", "old")}
    first = arrange([bad("a.yaml")], before, now="2026-11-29 10:00 UTC")
    served = first.productions["x"]
    assert served.mark == "file has an error"
    opening, _, rest = served.note.partition("\n\n")
    assert opening.startswith("**a.yaml has an error** since 2026-11-29 10:00 UTC.")
    assert rest == "```\na.yaml:3:1: oops\n```"
    later = arrange([bad("a.yaml")], dict(first.productions), now="2026-11-29 11:00 UTC")
    assert later.files() == first.files()
    other = Source("a.yaml", error="a.yaml:9:1: ```")
    third = arrange([other], dict(later.productions), now="2026-11-29 12:00 UTC")
    assert "since 2026-11-29 10:00 UTC" in third.productions["x"].note
    assert "````\na.yaml:9:1: ```\n````" in third.productions["x"].note
    mended = arrange([good("a.yaml", "x", "new")], dict(third.productions))
    assert mended.productions == {"x": Served("a.yaml", "new")}


def test_the_import_error_of_a_file_names_the_dag_that_goes_on() -> None:
    shelf = arrange([bad("gam.yaml"), bad("b.yaml")], {"gamprod": Served("gam.yaml", "old")})
    files = shelf.files()
    assert b"DAG gamprod goes on with its last good text" in files["gam.yaml.py"]
    assert b"goes on" not in files["b.yaml.py"]


def test_the_error_of_a_file_is_shown_in_bounds() -> None:
    error = Source("a.yaml", error="a.yaml:1:1: " + "x" * 60_000)
    shelf = arrange([error], {"x": Served("a.yaml", "old")})
    assert len(shelf.productions["x"].note) < 5000
    assert len(shelf.files()["a.yaml.py"]) > 60_000


def test_an_empty_folder_that_is_not_trusted_keeps_what_was_known_of_an_error() -> None:
    before = {"x": Served("a.yaml", "old", error="a.yaml:3:1: oops", since="then")}
    assert arrange([], before, keep=True).productions == before


def test_a_finished_production_is_taken_off() -> None:
    shelf = arrange([], {"x": Served("a.yaml", "1"), "y": Served("b.yaml", "2")})
    assert list(shelf.without({"x"}).productions) == ["y"]


def test_each_production_has_a_stub_and_its_text() -> None:
    files = Shelf({"x": Served("a.yaml", "ünicode")}, {}).files()
    assert files["x.yaml"] == "ünicode".encode()
    assert b"airflow" in files["x.py"].lower()
    assert b"dag_from_file(__file__, 'a.yaml', '', shape=2)" in files["x.py"]
    broken = Shelf({"x": Served("a.yaml", "", error="oops")}, {}).files()["x.py"]
    assert b", shape=2, mark='file has an error')" in broken


@pytest.mark.parametrize(
    "message", ["a.yaml:3:1: oops\n  key: '''\"\"\"\n  hint: \\", "a.yaml: {x} {0} %s \x00 \u2028"]
)
def test_an_error_file_raises_exactly_the_message(message: str) -> None:
    (code,) = Shelf({}, {"a.yaml": message}).files().values()
    with pytest.raises(DefinitionError) as caught:
        exec(compile(code, "a.yaml.py", "exec"), {})  # noqa: S102
    assert str(caught.value) == message


def test_a_file_name_cannot_smuggle_code_into_a_stub() -> None:
    name = '""";import os;os.abort()#\'.yaml'
    shelf = Shelf({"x": Served(name, "", retired=True)}, {name: f"{name}: oops"})
    codes = [code for file, code in shelf.files().items() if file.endswith(".py")]
    assert len(codes) == 2
    for code in codes:
        imports = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Import)]
        assert imports == []


def test_stems_differ_when_names_do() -> None:
    names = ["a.b", "a_b", "a-b", "A_b", ".a", "a", "a" * 300, "a" * 301]
    stems = [file_stem(name) for name in names]
    assert len(set(stems)) == len(names)
    assert all(stem and "." not in stem and len(stem) < 200 for stem in stems)


@pytest.mark.parametrize("name", ["bands.v1", "a.b-c", "x" * 300, "a b", ".a"])
def test_what_is_marked_is_never_a_plain_name(name: str) -> None:
    stem = file_stem(name)
    assert stem != name
    assert file_stem(stem) != stem
    shelf = Shelf({name: Served("1.yaml", "one"), stem: Served("2.yaml", "two")}, {})
    assert len(shelf.files()) == 4


def test_a_plain_name_that_ends_in_a_day_stays_plain() -> None:
    assert file_stem("nightly-20261128") == "nightly-20261128"


def test_of_names_that_differ_in_case_only_the_one_that_was_served_goes_on() -> None:
    sources = [good("a.yaml", "Bands"), good("b.yaml", "bands")]
    for served, refused in (("bands", "a.yaml"), ("Bands", "b.yaml")):
        shelf = arrange(sources, {served: Served("x.yaml", "")})
        assert list(shelf.productions) == [served]
        assert "differs in upper and lower case only" in shelf.errors[refused]


def test_a_dag_of_another_bundle_is_not_taken_over_and_what_is_served_goes_on() -> None:
    shelf = arrange([good("a.yaml", "x")], {}, owners={"x": "dags-folder"})
    assert shelf.productions == {}
    assert "already defined by bundle 'dags-folder'" in shelf.errors["a.yaml"]
    before = {"x": Served("a.yaml", "old")}
    assert arrange([good("a.yaml", "x")], before, owners={"x": "late"}).errors == {}


def test_nothing_is_retired_while_not_all_is_known() -> None:
    before = {"x": Served("a.yaml", "1"), "y": Served("b.yaml", "2", retired=True)}
    assert arrange([], before, keep=True).retired == ["y"]


def test_an_error_file_never_takes_the_place_of_a_stub() -> None:
    shelf = Shelf({"a.yaml": Served("b.yaml", "")}, {"a.yaml": "a.yaml: oops"})
    assert len(shelf.files()) == 3
