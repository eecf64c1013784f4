"""What datasets hold, and what the catalogue knows of their files: the same on both grids."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.catalogue_files import list_checksum
from dirac_prodsys.core.grid.specs import DatasetSpec, DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayRejected, NotFound
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import Gateway, System, prepared, unique

#: the catalogue of DIRAC 9.0 cannot describe a dataset, nor freeze one of several files
pytestmark = pytest.mark.dirac_91


def made(
    system: System, gateway: Gateway, files: int = 3, *, freeze: bool = True, folder: str = ""
) -> tuple[DirectorySpec, DatasetSpec]:
    """A dataset of files with different sizes."""
    directory = prepared(gateway)
    for number in range(files):
        system.register(f"{directory.path}/{number}", {}, b"x" * (number + 1))
    query = MetaQuery.parse(directory.metadata)
    name = f"{folder or '/sim/datasets'}/{unique()}"
    spec = DatasetSpec(name=name, query=query, freeze=freeze, annotation="for a test")
    gateway.create_dataset(spec)
    return directory, spec


def delete(gateway: Gateway, *lfns: str) -> None:
    gateway.services.call(CATALOGUE, "removeFile", dict.fromkeys(lfns, True))


def test_a_dataset_says_what_was_counted_when_it_was_frozen(
    system: System, gateway: Gateway
) -> None:
    directory, spec = made(system, gateway)
    record = gateway.find_dataset(spec.name)
    assert record is not None
    names = [f"{directory.path}/{number}" for number in range(3)]
    assert (record.files, record.counted, record.size) == (3, 3, 6)
    assert record.list_checksum == list_checksum(names)
    assert record.owner
    assert record.created.startswith("20")


def test_a_file_that_is_removed_is_missing_in_a_frozen_dataset(
    system: System, gateway: Gateway
) -> None:
    directory, spec = made(system, gateway)
    names = [f"{directory.path}/{number}" for number in range(3)]
    assert gateway.dataset_files(spec.name) == names
    delete(gateway, names[1])
    assert gateway.dataset_files(spec.name) == [names[0], names[2]]
    record = gateway.find_dataset(spec.name)
    assert record is not None
    assert (record.files, record.counted, record.size) == (2, 3, 6)
    system.register(names[1], {}, b"again")
    assert gateway.dataset_files(spec.name) == [names[0], names[2]]
    delete(gateway, names[0], names[2])
    assert gateway.dataset_files(spec.name) == []


def test_a_dataset_that_is_not_frozen_holds_what_its_query_finds(
    system: System, gateway: Gateway
) -> None:
    directory, spec = made(system, gateway, freeze=False)
    system.register(f"{directory.path}/late", {})
    assert len(gateway.dataset_files(spec.name)) == 4
    record = gateway.find_dataset(spec.name)
    assert record is not None
    assert (record.files, record.counted) == (4, 3)


def test_the_files_of_a_dataset_that_does_not_exist_are_not_found(gateway: Gateway) -> None:
    with pytest.raises(NotFound, match="there is no dataset"):
        gateway.dataset_files(f"/sim/datasets/{unique()}")


def test_the_datasets_of_a_folder_and_those_below_it_are_listed(
    system: System, gateway: Gateway
) -> None:
    folder = f"/sim/datasets/{unique()}"
    assert gateway.list_datasets(folder) == []
    _, one = made(system, gateway, folder=folder)
    _, other = made(system, gateway, 2, folder=f"{folder}/below", freeze=False)
    found = gateway.list_datasets(folder)
    assert [record.name for record in found] == sorted([one.name, other.name])
    assert {record.name: (record.files, record.size, record.frozen) for record in found} == {
        one.name: (3, 6, True),
        other.name: (2, 3, False),
    }
    assert {record.annotation for record in found} == {"for a test"}
    assert {str(MetaQuery.from_dirac(record.query)) for record in found} == {
        str(one.query),
        str(other.query),
    }


def test_a_removed_dataset_leaves_its_files(system: System, gateway: Gateway) -> None:
    directory, spec = made(system, gateway)
    assert gateway.remove_dataset(spec.name)
    assert gateway.find_dataset(spec.name) is None
    assert not gateway.remove_dataset(spec.name)
    assert gateway.count_files(MetaQuery.parse(directory.metadata)) == 3


def test_of_two_datasets_with_one_base_name_none_is_removed(
    system: System, gateway: Gateway
) -> None:
    _, spec = made(system, gateway)
    base = spec.name.rpartition("/")[2]
    directory = prepared(gateway)
    gateway.services.call(CATALOGUE, "addDataset", {f"{directory.path}/{base}": {"run": "x"}})
    with pytest.raises(Conflict, match="another folder"):
        gateway.remove_dataset(spec.name)
    assert gateway.find_dataset(spec.name) is not None


def test_the_difference_of_two_queries_is_shown_field_by_field(
    system: System, gateway: Gateway
) -> None:
    directory, spec = made(system, gateway)
    query = MetaQuery.parse({"run": "another", "step": "merge"})
    with pytest.raises(Conflict) as caught:
        gateway.create_dataset(spec.model_copy(update={"query": query}))
    run = directory.metadata["run"]
    assert f"\n  run: asked another, found {run}" in caught.value.reason
    assert "\n  step: asked merge, found no condition" in caught.value.reason


def test_files_are_described_with_size_checksum_places_and_metadata_of_their_own(
    system: System, gateway: Gateway
) -> None:
    directory = prepared(gateway)
    name = f"{directory.path}/one"
    system.register(name, {"runNumber": "17"}, b"abc")
    found = gateway.describe_files([name, f"{directory.path}/none"])
    assert list(found) == [name]
    one = found[name]
    assert (one.size, one.places, one.metadata["runNumber"]) == (3, ("DISK-A-SE",), "17")
    assert one.checksum
    assert one.number
    assert "run" not in one.metadata  # of its directory
    assert gateway.describe_files([]) == {}


def test_files_are_marked_once_and_never_otherwise(system: System, gateway: Gateway) -> None:
    directory = prepared(gateway)
    names = [f"{directory.path}/{number}" for number in range(3)]
    for name in names:
        system.register(name, {})
    values = {names[0]: "train", names[1]: "test"}
    assert gateway.mark_files("split", values) == 2
    assert gateway.mark_files("split", {**values, names[2]: "test"}) == 1
    run = directory.metadata["run"]
    assert gateway.count_files(MetaQuery.parse({"run": run, "split": "test"})) == 2
    with pytest.raises(Conflict, match="another split"):
        gateway.mark_files("split", {names[0]: "test"})
    with pytest.raises(GatewayRejected, match="no metadata field"):
        gateway.mark_files("nosuchfield", values)
    with pytest.raises(NotFound):
        gateway.mark_files("split", {f"{directory.path}/none": "test"})


def test_a_dataset_whose_files_change_while_it_is_frozen_is_refused_and_leaves_nothing(
    system: System, gateway: Gateway
) -> None:
    directory = prepared(gateway)
    system.register(f"{directory.path}/0", {})
    spec = DatasetSpec(name=f"/sim/datasets/{unique()}", query=MetaQuery.parse(directory.metadata))
    real = gateway.services

    class Meanwhile:
        """A file appears just after the dataset was frozen."""

        calls = real.calls

        def call(self, service: str, method: str, *arguments: object) -> object:
            answer = real.call(service, method, *arguments)
            if method == "freezeDataset":
                system.register(f"{directory.path}/late", {})
            return answer

    gateway.services = Meanwhile()  # type: ignore[assignment]
    with pytest.raises(GatewayRejected, match="not the same ones"):
        gateway.create_dataset(spec)
    assert gateway.find_dataset(spec.name) is None
    gateway.services = real
    open_ended = spec.model_copy(update={"freeze": False})
    gateway.create_dataset(open_ended)
    delete(gateway, f"{directory.path}/late")
    gateway.services = Meanwhile()  # type: ignore[assignment]
    with pytest.raises(GatewayRejected, match="not the same ones"):
        gateway.create_dataset(spec)
    found = gateway.find_dataset(spec.name)
    assert found is not None
    assert not found.frozen
