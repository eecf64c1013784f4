"""What the database below the catalogue makes of values, and what queries find of it."""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

import pytest

from dirac_prodsys.core.grid.specs import DatasetSpec, DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import Gateway, System, prepared, spec, unique

#: fields of files and of directories that these sentences define for themselves
REAL, NIGHT, WIDE = "contract_real", "contract_night", "contract_wide"

#: of some 24 bits keep more, of some less, and some they hold as they are
NUMBERS = (20, 40, 52.374, 0.7, -0.3, 12.5, 52.3741, 16777217)

#: condition → whether a number fulfils it, as its author means it
MEANINGS: tuple[tuple[dict[str, Any], Callable[[float], bool]], ...] = (
    ({"=": 52.374}, lambda n: n == 52.374),
    ({"=": 16777217}, lambda n: n == 16777217),
    ({"in": [20, 52.374, 0.7]}, lambda n: n in (20, 52.374, 0.7)),
    ({"!=": 52.374}, lambda n: n != 52.374),
    ({"nin": [-0.3, 40, 0.7]}, lambda n: n not in (-0.3, 40, 0.7)),
    *(
        ({sign: 52.374}, lambda n, holds=holds: holds(n, 52.374))
        for sign, holds in (("<", lt), ("<=", le), (">", gt), (">=", ge))
    ),
    *(
        ({sign: 0.7}, lambda n, holds=holds: holds(n, 0.7))
        for sign, holds in (("<", lt), ("<=", le), (">", gt), (">=", ge))
    ),
    ({">=": 0.7, "<=": 52.374}, lambda n: 0.7 <= n <= 52.374),
    ({">": 0.7, "<": 52.374, "!=": 20}, lambda n: 0.7 < n < 52.374 and n != 20),
    ({">": -0.3, "nin": [52.374, 0.7]}, lambda n: n > -0.3 and n not in (52.374, 0.7)),
)


def numbered(system: System, gateway: Gateway, field: str) -> dict[str, float]:
    """Files that differ in one number, by LFN; the run of all is the last part of ``/…/run``."""
    mark = unique()
    gateway.services.call(CATALOGUE, "addMetadataField", REAL, "float", "-f")
    gateway.prepare_directories(
        [DirectorySpec(path=f"/sim/contract/{mark}", metadata={"run": mark})]
    )
    files: dict[str, float] = {}
    for index, number in enumerate(NUMBERS):
        directory = f"/sim/contract/{mark}/{index}"
        of_directory = {field: number} if field == "thetaP" else {}
        gateway.prepare_directories([DirectorySpec(path=directory, metadata=of_directory)])
        lfn = f"{directory}/{mark}"
        system.register(lfn, {} if of_directory else {field: number})
        files[lfn] = number
    return files


def run_of(files: dict[str, float]) -> str:
    return next(iter(files)).rsplit("/", 1)[1]


@pytest.mark.parametrize("field", ["thetaP", REAL])
def test_numbers_with_a_fraction_are_found_as_they_were_written(
    system: System, gateway: Gateway, field: str
) -> None:
    files = numbered(system, gateway, field)
    for condition, means in MEANINGS:
        query = MetaQuery.parse({"run": run_of(files), field: condition})
        wanted = {lfn for lfn, number in files.items() if means(number)}
        assert set(gateway.selected_files(query)) == wanted, condition
        assert gateway.selected_files(query) == sorted(wanted), condition
        assert gateway.count_files(query) == len(wanted), condition


@pytest.mark.parametrize("field", ["thetaP", REAL])
def test_a_child_is_attached_the_files_that_have_its_fraction(
    system: System, gateway: Gateway, field: str
) -> None:
    files = numbered(system, gateway, field)
    children, specs = {}, []
    for condition, means in MEANINGS[::2]:
        query = MetaQuery.parse({"run": run_of(files), field: condition})
        wanted = spec(unique(), group_size=100, input_query=query, output_query=query)
        made = gateway.create_transformation(wanted)
        gateway.start_transformation(made.id)
        children[made.id] = (condition, sum(map(means, NUMBERS)))
        specs.append(wanted)
        assert gateway.create_transformation(wanted).adopted
    # each is found again as what it is, and differs from what asks for another number
    assert {one.state for one in gateway.compare_transformations(specs)} == {"equal"}
    other = MetaQuery.parse({"run": run_of(files), field: 52.375})
    others = [one.model_copy(update={"input_query": other}) for one in specs]
    assert {one.state for one in gateway.compare_transformations(others)} == {"conflict"}

    def attached() -> dict[int, int]:
        seen = gateway.snapshot(list(children))
        return {number: sum(seen[number].files.values()) for number in children}

    expected = {number: files for number, (_, files) in children.items()}
    system.until(lambda: attached() == expected)
    system.cycles(1)
    assert attached() == expected
    for number, (condition, _) in children.items():
        query = MetaQuery.parse({"run": run_of(files), field: condition})
        compared = gateway.compare_files(number, query)
        assert (compared.unattached, compared.others) == (0, {}), condition


@pytest.mark.in_process
def test_a_query_that_was_sent_without_regard_to_24_bits_is_not_adopted(gateway: Gateway) -> None:
    """It selects nothing, whatever its words."""
    query = MetaQuery.parse({"run": unique(), "thetaP": 52.374})
    wanted = spec(unique(), input_query=query)
    gateway._sent = lambda query: query  # type: ignore[method-assign]  # as it was once
    gateway.create_transformation(wanted)
    del gateway._sent
    (meeting,) = gateway.compare_transformations([wanted])
    assert meeting.state == "conflict"
    assert "52.374000549316406" in meeting.differences[0]


@pytest.mark.dirac_91
def test_a_dataset_holds_the_files_that_have_its_fraction_and_says_its_query_as_it_was_written(
    system: System, gateway: Gateway
) -> None:
    files = numbered(system, gateway, "thetaP")
    run = run_of(files)
    for condition, means in MEANINGS[:6]:
        query = MetaQuery.parse({"run": run, "thetaP": condition})
        name = f"/sim/datasets/{unique()}"
        wanted = DatasetSpec(name=name, query=query, expect_files=sum(map(means, NUMBERS)))
        made = gateway.create_dataset(wanted)
        assert made.frozen
        assert gateway.create_dataset(wanted).adopted
        found = gateway.find_dataset(name)
        assert found is not None
        assert MetaQuery.parse(found.query) == query, condition
        assert MetaQuery.parse(gateway.dataset_query(name)) == query, condition


def test_what_no_value_of_a_field_can_be_is_refused(gateway: Gateway) -> None:
    """The database rounds 1.5 and takes text for 0: it would find other files."""
    for field, condition in (
        ("data_level", 1.5),
        ("data_level", {"!=": 1.5}),
        ("data_level", [1, 1.5]),
        ("data_level", "none"),
        ("data_level", {">": "none"}),
        ("data_level", 2**31),
        ("nsb", {"nin": ["half"]}),
        ("thetaP", "steep"),
    ):
        query = MetaQuery.parse({"run": "r", field: condition})
        with pytest.raises(GatewayRejected, match=f"^{field}: .* in the catalogue"):
            gateway.count_files(query)
        with pytest.raises(GatewayRejected, match=field):
            gateway.create_transformation(spec(unique(), input_query=query))
    for field, condition in (("data_level", {">": 1.5}), ("data_level", "2"), ("site", 52.374)):
        gateway.count_files(MetaQuery.parse({"run": "r", field: condition}))


def test_metadata_of_which_the_database_would_keep_others_are_refused_before_they_are_set(
    gateway: Gateway,
) -> None:
    for field, value in (
        ("data_level", 1.5),
        ("data_level", 2**31),
        ("data_level", "high"),
        ("thetaP", "steep"),
        ("thetaP", 1e39),
        ("particle", "x" * 129),
    ):
        directory = DirectorySpec(path=f"/sim/contract/{unique()}", metadata={field: value})
        with pytest.raises(GatewayRejected, match=f"{field} of {directory.path}"):
            gateway.prepare_directories([directory])
        found = gateway.services.call(CATALOGUE, "isDirectory", {directory.path: True})
        assert not found["Successful"].get(directory.path)


def test_columns_keep_what_fits_them(system: System, gateway: Gateway) -> None:
    """What DIRAC itself does, whoever sets it."""
    directory = prepared(gateway)
    given = {
        "thetaP": 52.3741234,
        "data_level": 2**31,
        "merged": 2.5,
        "configuration_id": "12abc",
        "particle": "x" * 140,
        "site": "blank ",
        "view_cone": 52.374,
        "sct": 1e-07,
    }
    gateway.services.call(CATALOGUE, "setMetadata", directory.path, given)
    found = gateway.services.call(CATALOGUE, "getDirectoryUserMetadata", directory.path)
    assert {name: found[name] for name in given} == {
        "thetaP": 52.3741,
        "data_level": 2**31 - 1,
        "merged": 3,
        "configuration_id": 12,
        "particle": "x" * 128,
        "site": "blank ",
        "view_cone": "52.374",
        "sct": "1e-07",
    }
    system.register(f"{directory.path}/file", {"split": 52.3741234})
    for condition in ({"site": "blank"}, {"view_cone": 52.374}, {"split": 52.3741234}):
        query = MetaQuery.parse({**directory.metadata, **condition})
        assert gateway.count_files(query) == 1, condition


def test_text_is_compared_without_regard_to_case_and_accents(
    system: System, gateway: Gateway
) -> None:
    mark = unique()
    texts = ["Full", "FULL", "fuller", "é", "E", "Ü", "a_b", "aZb", "a-b", "z", "ß", "ø", "x" * 128]
    for field in ("particle", "split"):
        gateway.prepare_directories([DirectorySpec(path=f"/sim/contract/{mark}", metadata={})])
        files = {}
        for index, text in enumerate(texts):
            path = f"/sim/contract/{mark}/{field}{index}"
            metadata = {"run": mark, **({field: text} if field == "particle" else {})}
            gateway.prepare_directories([DirectorySpec(path=path, metadata=metadata)])
            system.register(f"{path}/file", {} if field == "particle" else {field: text})
            files[f"{path}/file"] = {"run": mark, field: text}
        for text in [*texts, "full", "e", "É", "u", "A_B", "S", "o", "nothing"]:
            for form in ({"=": text}, {"nin": [text, "z"]}, {">=": text}):
                query = MetaQuery.parse({"run": mark, field: form})
                wanted = sorted(lfn for lfn, metadata in files.items() if query.matches(metadata))
                assert sorted(gateway.selected_files(query)) == wanted, form


def test_a_directory_that_has_a_date_is_prepared_again_and_found_by_it(
    system: System, gateway: Gateway
) -> None:
    gateway.services.call(CATALOGUE, "addMetadataField", NIGHT, "date", "-d")
    mark = unique()
    directory = DirectorySpec(
        path=f"/sim/contract/{mark}", metadata={"run": mark, NIGHT: "2026-03-01"}
    )
    for _ in range(2):
        gateway.prepare_directories([directory])
    system.register(f"{directory.path}/file", {})
    for condition, files in (
        ("2026-03-01", 1),
        ("2026-03-02", 0),
        ({">": "2026-02-28 23:59:59"}, 1),
        ({"<": "2026-03-01"}, 0),
    ):
        query = MetaQuery.parse({"run": mark, NIGHT: condition})
        assert gateway.count_files(query) == files, condition
    nonsense = DirectorySpec(path=f"/sim/contract/{unique()}", metadata={NIGHT: "yesterday"})
    with pytest.raises(GatewayRejected, match="no date"):
        gateway.prepare_directories([nonsense])


def test_fields_that_every_file_has_are_asked_for_or_refused(
    system: System, gateway: Gateway
) -> None:
    directory = prepared(gateway)
    system.register(f"{directory.path}/file", {}, b"12345")
    for field, condition in (
        ("Size", 5),
        ("Size", {">": 4}),
        ("FileName", "file"),
        ("Name", ["file", "other"]),
        ("GUID", {"!=": "none"}),
        ("CheckSum", {"!=": "none"}),
        ("UID", {">=": 0}),
        ("GID", {">=": 0}),
    ):
        query = MetaQuery.parse({**directory.metadata, field: condition})
        assert gateway.selected_files(query) == [f"{directory.path}/file"], field
    for field in ("SE", "User", "Group", "Path", "Status", "LastAccessDate"):
        query = MetaQuery.parse({**directory.metadata, field: "any-of-them"})
        with pytest.raises(GatewayRejected, match=f"no metadata field {field}"):
            gateway.count_files(query)
