"""Directories with metadata, and files that queries count: the same on both grids."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayRejected
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import Gateway, System, prepared, unique


@pytest.mark.in_process
def test_directories_are_made_with_metadata_and_may_be_made_again(gateway: Gateway) -> None:
    mark = unique()
    above = DirectorySpec(
        path=f"/sim/contract/{mark}",
        metadata={"run": mark, "data_level": 0, "thetaP": 20.1, "particle": "gamma"},
    )
    below = DirectorySpec(path=f"/sim/contract/{mark}/below/", metadata={"run": mark, "merged": 0})
    gateway.prepare_directories([above, below])
    ask = gateway.services.call
    assert ask(CATALOGUE, "getDirectoryUserMetadata", above.path) == pytest.approx(
        {"run": mark, "data_level": 0, "thetaP": 20.1, "particle": "gamma"}
    )
    found = ask(CATALOGUE, "getDirectoryUserMetadata", below.path.rstrip("/"))
    assert (found["run"], found["merged"], found["data_level"]) == (mark, 0, 0)
    written = gateway.services.calls[f"{CATALOGUE}.setMetadata"]
    assert written == 2
    gateway.prepare_directories([above, below])
    assert gateway.services.calls[f"{CATALOGUE}.setMetadata"] == written


def test_a_directory_with_other_metadata_is_a_conflict_and_stays_as_it_is(gateway: Gateway) -> None:
    directory = prepared(gateway, data_level=0)
    other = directory.model_copy(update={"metadata": {"data_level": 1, "merged": 1}})
    with pytest.raises(Conflict, match="data_level: asked 1, found 0"):
        gateway.prepare_directories([other])
    gateway.prepare_directories(
        [directory.model_copy(update={"metadata": {**directory.metadata, "merged": 0}})]
    )


def test_metadata_of_a_directory_above_are_a_conflict_too(gateway: Gateway) -> None:
    directory = prepared(gateway, data_level=0)
    below = DirectorySpec(path=f"{directory.path}/below", metadata={"data_level": 1})
    with pytest.raises(Conflict, match="above"):
        gateway.prepare_directories([below])


def test_metadata_that_nobody_could_search_for_are_refused(gateway: Gateway) -> None:
    with pytest.raises(GatewayRejected, match="no_such_field"):
        prepared(gateway, no_such_field=1)
    with pytest.raises(GatewayRejected, match="split"):  # a field of files
        prepared(gateway, split="train")


def test_files_are_counted_as_the_query_says(system: System, gateway: Gateway) -> None:
    mark = unique()
    files: dict[str, dict[str, object]] = {}
    for particle, level, theta in (
        ("gamma", 0, 20.0),
        ("gamma", 1, 40.0),
        ("proton", 0, 20.0),
        ("proton", 2, 52.5),
        (None, None, None),
    ):
        metadata = {
            name: value
            for name, value in (
                ("particle", particle),
                ("data_level", level),
                ("thetaP", theta),
            )
            if value is not None
        }
        path = f"/sim/contract/{mark}/{particle}_{level}"
        gateway.prepare_directories([DirectorySpec(path=path, metadata={"run": mark, **metadata})])
        for split, nsb in (("train", 1), ("test", 2), (None, None)):
            own = {k: v for k, v in (("split", split), ("nsb", nsb)) if v is not None}
            system.register(f"{path}/{split}", own)
            files[f"{path}/{split}"] = {"run": mark, **metadata, **own}
    for conditions in (
        {},
        {"particle": "gamma"},
        {"data_level": 0},
        {"data_level": {"=": 0}, "particle": "proton"},
        {"particle": ["gamma", "proton"]},
        {"data_level": [0, 2]},
        {"data_level": {"!=": 0}},
        {"particle": {"!=": "gamma"}},
        {"data_level": {"nin": [0, 1]}},
        {"data_level": {">": 0}},
        {"data_level": {">=": 1, "<": 2}},
        {"data_level": {"<=": 0}},
        {"thetaP": 20.0},
        {"thetaP": 52.5},
        {"thetaP": {"<": 50}},
        {"thetaP": [20, 40]},
        {"particle": "Any"},
        {"particle": "Missing"},
        {"particle": "nothing"},
        {"split": "train"},
        {"split": ["train", "test"]},
        {"split": {"!=": "train"}, "particle": "gamma"},
        {"nsb": {">": 1}, "data_level": 0},
        {"split": "Any"},
    ):
        query = MetaQuery.parse({"run": mark, **conditions})
        expected = sum(query.matches(metadata) for metadata in files.values())
        assert gateway.count_files(query) == expected, conditions
