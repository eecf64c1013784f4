"""Datasets are made whole or not at all: the same on the in-memory grid and on DIRAC."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import DatasetSpec, DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import Gateway, Interrupted, System, lost, prepared, unique

#: the catalogue of DIRAC 9.0 cannot describe a dataset, nor freeze one of several files
pytestmark = pytest.mark.dirac_91


def dataset(query: MetaQuery, **changes: object) -> DatasetSpec:
    fields = {"name": f"/sim/datasets/{unique()}", "query": query, "annotation": "for a test"}
    return DatasetSpec.model_validate({**fields, **changes})


def filled(system: System, gateway: Gateway, files: int = 3) -> DirectorySpec:
    directory = prepared(gateway, data_level=0)
    for number in range(files):
        system.register(f"{directory.path}/{number}", {})
    return directory


def test_a_dataset_that_holds_too_many_or_too_few_files_is_refused_and_leaves_nothing(
    system: System, gateway: Gateway
) -> None:
    directory = filled(system, gateway)
    name = f"/sim/datasets/{unique()}"
    wanted = DatasetSpec(name=name, query=MetaQuery.parse(directory.metadata), freeze=False)
    for bounds in ({"max_files": 2}, {"min_files": 4}):
        with pytest.raises(GatewayRejected, match="would hold 3 files"):
            gateway.create_dataset(wanted.model_copy(update=bounds))
        assert gateway.find_dataset(name) is None
    fitting = wanted.model_copy(update={"min_files": 3, "max_files": 3})
    assert gateway.create_dataset(fitting).files == 3


def test_a_frozen_dataset_keeps_its_files_and_is_adopted(system: System, gateway: Gateway) -> None:
    directory = filled(system, gateway)
    wanted = dataset(MetaQuery.parse(directory.metadata), expect_files=3)
    assert gateway.find_dataset(wanted.name) is None
    made = gateway.create_dataset(wanted)
    assert (made.files, made.frozen, made.adopted) == (3, True, False)
    assert made.annotation == "for a test"
    assert MetaQuery.from_dirac(made.query) == wanted.query
    system.register(f"{directory.path}/late", {})
    again = gateway.create_dataset(wanted)
    assert (again.files, again.frozen, again.adopted) == (3, True, True)
    assert gateway.find_dataset(wanted.name) is not None


def test_a_frozen_dataset_whose_files_all_went_is_made_anew_of_those_that_came(
    system: System, gateway: Gateway
) -> None:
    directory = filled(system, gateway)
    wanted = dataset(MetaQuery.parse(directory.metadata))
    gateway.create_dataset(wanted)
    lfns = gateway.dataset_files(wanted.name)
    gateway.services.call(CATALOGUE, "removeFile", dict.fromkeys(lfns, True))
    # as long as there is nothing else, it stays what it is
    with pytest.raises(GatewayRejected, match="without any file"):
        gateway.create_dataset(wanted)
    assert gateway.find_dataset(wanted.name) is not None
    system.register(f"{directory.path}/new", {})
    made = gateway.create_dataset(wanted)
    assert (made.files, made.frozen, made.adopted) == (1, True, False)
    assert gateway.dataset_files(wanted.name) == [f"{directory.path}/new"]


def test_a_dataset_that_is_not_frozen_follows_the_catalogue(
    system: System, gateway: Gateway
) -> None:
    directory = filled(system, gateway)
    wanted = dataset(MetaQuery.parse(directory.metadata), freeze=False)
    assert (gateway.create_dataset(wanted).files, gateway.create_dataset(wanted).frozen) == (
        3,
        False,
    )
    system.register(f"{directory.path}/late", {})
    found = gateway.find_dataset(wanted.name)
    assert found is not None
    assert (found.files, found.frozen) == (4, False)


def test_a_dataset_is_not_frozen_without_files(gateway: Gateway) -> None:
    wanted = dataset(MetaQuery.parse({"run": unique()}))
    with pytest.raises(GatewayRejected, match="without any file"):
        gateway.create_dataset(wanted)
    assert gateway.find_dataset(wanted.name) is None
    open_ended = gateway.create_dataset(wanted.model_copy(update={"freeze": False}))
    assert (open_ended.files, open_ended.frozen) == (0, False)


def test_another_number_of_files_than_expected_leaves_nothing_behind(
    system: System, gateway: Gateway
) -> None:
    directory = filled(system, gateway)
    wanted = dataset(MetaQuery.parse(directory.metadata), expect_files=4)
    with pytest.raises(GatewayRejected, match="3 files instead of 4"):
        gateway.create_dataset(wanted)
    assert gateway.find_dataset(wanted.name) is None
    system.register(f"{directory.path}/late", {})
    assert gateway.create_dataset(wanted).files == 4


@pytest.mark.parametrize(
    "call", ["addDataset", "addDatasetAnnotation", "updateDataset", "freezeDataset"]
)
def test_after_dying_while_it_was_made_a_retry_completes_it(
    system: System, gateway: Gateway, call: str
) -> None:
    directory = filled(system, gateway)
    wanted = dataset(MetaQuery.parse(directory.metadata), expect_files=3)
    real = gateway.services
    gateway.services = Interrupted(real, call, lost())
    with pytest.raises(GatewayUnavailable):
        gateway.create_dataset(wanted)
    gateway.services = real
    made = gateway.create_dataset(wanted)
    assert (made.files, made.frozen, made.annotation) == (3, True, "for a test")


def test_a_name_with_another_query_is_a_conflict(gateway: Gateway) -> None:
    wanted = dataset(MetaQuery.parse({"run": unique()}), freeze=False)
    gateway.create_dataset(wanted)
    other = wanted.model_copy(update={"query": MetaQuery.parse({"run": unique()})})
    with pytest.raises(Conflict, match="another query"):
        gateway.create_dataset(other)


def test_a_base_name_is_used_once_only(gateway: Gateway) -> None:
    wanted = dataset(MetaQuery.parse({"run": unique()}), freeze=False)
    gateway.create_dataset(wanted)
    base = wanted.name.rsplit("/", 1)[1]
    for directory in ("/sim/elsewhere", f"/sim/{unique()}"):
        with pytest.raises(Conflict, match="another directory"):
            gateway.create_dataset(wanted.model_copy(update={"name": f"{directory}/{base}"}))
        assert gateway.find_dataset(f"{directory}/{base}") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "no_path"},
        {"name": "/sim/datasets/with*"},
        {"name": f"/sim/datasets/{'x' * 129}"},
        {"annotation": "x" * 513},
        {"query": MetaQuery.parse({"run": "x" * 512})},
    ],
    ids=["no path", "wildcard", "long name", "long annotation", "long query"],
)
def test_what_the_catalogue_cannot_keep_is_refused(
    gateway: Gateway, changes: dict[str, object]
) -> None:
    wanted = dataset(MetaQuery.parse({"run": unique()}))
    with pytest.raises(GatewayRejected):
        gateway.create_dataset(wanted.model_copy(update=changes))
