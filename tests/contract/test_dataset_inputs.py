"""What steps that take datasets, and steps in CTAO's form, need of every gateway."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import DatasetSpec, DirectorySpec
from dirac_prodsys.core.grid.status import TransformationStatus as Status
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import NotFound
from dirac_prodsys.gateway.verbs.services import CATALOGUE, TRANSFORMATIONS
from tests.contract.systems import Gateway, System, by_hand, spec, unique


def test_a_transformation_that_is_created_manual_is_automatic_once_it_is_started(
    gateway: Gateway,
) -> None:
    wanted = spec(unique()).model_copy(update={"agent_type": "Manual"})
    made = gateway.create_transformation(wanted)
    row = gateway.services.call(TRANSFORMATIONS, "getTransformation", made.id, False)
    assert (row["Status"], row["AgentType"]) == ("New", "Manual")
    gateway.start_transformation(made.id)
    row = gateway.services.call(TRANSFORMATIONS, "getTransformation", made.id, False)
    assert (row["Status"], row["AgentType"]) == ("Active", "Automatic")


def test_one_whose_start_was_cut_short_is_adopted(gateway: Gateway) -> None:
    wanted = spec(unique()).model_copy(update={"agent_type": "Manual"})
    made = gateway.create_transformation(wanted)
    by_hand(gateway, made.id, "AgentType", "Automatic")
    again = gateway.create_transformation(wanted)
    assert (again.id, again.adopted, again.status) == (made.id, True, Status.NEW)


@pytest.mark.dirac_91
def test_the_query_of_a_dataset_is_found_by_its_path_and_by_its_base_name(
    system: System, gateway: Gateway
) -> None:
    mark = unique()
    directory = DirectorySpec(path=f"/sim/contract/{mark}", metadata={"run": mark, "merged": 0})
    gateway.prepare_directories([directory])
    system.register(f"{directory.path}/file", {})
    query = MetaQuery.parse(directory.metadata)
    name = f"/sim/datasets/{mark}"
    gateway.create_dataset(DatasetSpec(name=name, query=query))
    for asked in (name, mark):
        assert MetaQuery.from_dirac(gateway.dataset_query(asked)) == query


@pytest.mark.dirac_91
def test_values_of_a_dataset_s_query_come_back_as_they_were_written(
    system: System, gateway: Gateway
) -> None:
    mark = unique()
    gateway.prepare_directories([DirectorySpec(path=f"/sim/contract/{mark}", metadata={})])
    query = {"run": mark, "thetaP": 20.0, "phiP": {"=": 180.0}, "merged": 0}
    gateway.services.call(CATALOGUE, "addDataset", {f"/sim/contract/{mark}/{mark}": query})
    kept = gateway.dataset_query(mark)
    assert [(k, v, type(v)) for k, v in kept.items()] == [(k, v, type(v)) for k, v in query.items()]


def test_a_sample_is_taken_once_of_the_first_files_or_not_at_all(
    system: System, gateway: Gateway
) -> None:
    mark = unique()
    directory = DirectorySpec(path=f"/sim/contract/{mark}", metadata={"run": mark})
    gateway.prepare_directories([directory])
    for number in (3, 1, 2):
        system.register(f"{directory.path}/{number}", {})
    query = MetaQuery.parse(directory.metadata)
    made = gateway.create_transformation(spec(unique()))
    with pytest.raises(NotFound, match="finds 3 files"):
        gateway.add_sample(made.id, query, 4)
    assert gateway.add_sample(made.id, query, 2) == 2
    system.register(f"{directory.path}/0", {})
    assert gateway.add_sample(made.id, query, 2) == 0
    assert sum(gateway.snapshot([made.id])[made.id].files.values()) == 2


def test_a_dataset_that_does_not_exist_is_not_found(gateway: Gateway) -> None:
    for name in (f"/sim/nowhere/{unique()}", unique()):
        with pytest.raises(NotFound, match="there is no dataset"):
            gateway.dataset_query(name)
