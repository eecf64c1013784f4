"""What every gateway promises, held against the in-memory system and against DIRAC itself."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.meta_query import MetaQuery
from dirac_prodsys.core.specs import Command, DatasetSpec, DirectorySpec, JobSpec
from dirac_prodsys.core.status import TransformationStatus as Status
from dirac_prodsys.errors import (
    Conflict,
    GatewayDenied,
    GatewayRejected,
    GatewayUnavailable,
    NotFound,
    TransformationFailed,
)
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.services import CATALOGUE, TRANSFORMATIONS
from tests.contract.systems import POWERLESS, Gateway, Interrupted, System, lost, spec, unique


def status_of(gateway: Gateway, transformation: int) -> str:
    return str(gateway.snapshot([transformation])[transformation].status)


def by_hand(gateway: Gateway, transformation: int, parameter: str, value: object) -> None:
    """What a person does in DIRAC's web page."""
    gateway.services.call(
        TRANSFORMATIONS, "setTransformationParameter", transformation, parameter, value
    )


def prepared(gateway: Gateway, **metadata: object) -> DirectorySpec:
    """A directory with metadata of its own."""
    mark = unique()
    directory = DirectorySpec(path=f"/sim/contract/{mark}", metadata={"run": mark, **metadata})
    gateway.prepare_directories([directory])
    return directory


class TestCreation:
    def test_a_gateway_has_all_verbs_and_knows_whom_the_grid_takes_it_for(
        self, gateway: Gateway
    ) -> None:
        assert isinstance(gateway, ProductionGateway)
        identity = gateway.ping()
        assert (identity.group, identity.vo) == ("sim_prod", "sim")
        assert TRANSFORMATIONS in identity.services

    def test_a_new_transformation_is_new_and_found_by_its_name(self, gateway: Gateway) -> None:
        name = unique()
        assert gateway.find_transformation(name) is None
        made = gateway.create_transformation(spec(name))
        assert (made.status, made.adopted) == (Status.NEW, False)
        found = gateway.find_transformation(name)
        assert found is not None
        assert (found.id, found.name) == (made.id, name)

    def test_creating_it_again_adopts_it_even_when_it_runs(self, gateway: Gateway) -> None:
        wanted = spec(unique(), input_query=MetaQuery.parse({"run": unique()}))
        made = gateway.create_transformation(wanted)
        again = gateway.create_transformation(wanted)
        gateway.start_transformation(made.id)
        running = gateway.create_transformation(wanted)
        assert [again.id, running.id] == [made.id, made.id]
        assert again.adopted
        assert running.status == Status.ACTIVE

    def test_a_name_that_is_taken_by_something_else_is_a_conflict_that_lists_every_difference(
        self, gateway: Gateway
    ) -> None:
        mine = spec(
            unique(),
            agent_type="Manual",
            input_query=MetaQuery.parse({"run": "mine"}),
            output_query=MetaQuery.parse({"data_level": 1}),
        )
        made = gateway.create_transformation(mine)
        other = mine.model_copy(
            update={
                "type": "DataReprocessing",
                "plugin": "BySize",
                "agent_type": "Automatic",
                "group_size": 3,
                "body": JobSpec(name="x", job_type="y", commands=(Command(executable="/bin/no"),)),
                "input_query": MetaQuery.parse({"run": "theirs"}),
                "output_query": None,
            }
        )
        with pytest.raises(Conflict) as raised:
            gateway.create_transformation(other)
        reason = raised.value.reason
        for word in (
            str(made.id),
            "type: asked 'DataReprocessing', found 'Merging'",
            "plugin: asked 'BySize', found 'Standard'",
            "agent type: asked 'Automatic', found 'Manual'",
            "group size: asked 3, found 2",
            "input query: asked run theirs, found run mine",
            "output query: asked none, found data_level 1",
            "body:",
            "/bin/no",
        ):
            assert word in reason
        assert gateway.create_transformation(mine).id == made.id

    def test_a_group_size_that_a_person_changed_is_adopted(self, gateway: Gateway) -> None:
        wanted = spec(unique(), group_size=2)
        made = gateway.create_transformation(wanted)
        by_hand(gateway, made.id, "GroupSize", 5)
        again = gateway.create_transformation(wanted)
        assert (again.id, again.adopted) == (made.id, True)
        assert gateway.snapshot([made.id])[made.id].group_size == 5
        other = wanted.model_copy(update={"plugin": "BySize"})
        with pytest.raises(Conflict, match="plugin"):
            gateway.create_transformation(other)

    @pytest.mark.parametrize(
        "query",
        [
            {"data_level": 0},
            {"merged": 0, "phiP": 0.0},
            {"thetaP": 20.0},
            {"thetaP": 12.5},
            {"particle": ["gamma", "proton"]},
            {"data_level": [0, 1, 2]},
            {"thetaP": [20.0, 40.5]},
            {"data_level": {"!=": 0}},
            {"data_level": {">=": 0, "<": 3}},
            {"particle": {"nin": ["electron", "muon"]}},
            {"particle": "Any"},
            {"particle": 'it\'s "quoted" % \\ and;odd'},
        ],
        ids=str,
    )
    def test_every_condition_comes_back_as_it_was_asked(
        self, gateway: Gateway, query: dict[str, object]
    ) -> None:
        asked = MetaQuery.parse(query)
        wanted = spec(unique(), input_query=asked, output_query=asked)
        made = gateway.create_transformation(wanted)
        for kind in ("Input", "Output"):
            stored = gateway.services.call(
                TRANSFORMATIONS, "getTransformationMetaQuery", made.id, kind
            )
            assert MetaQuery.from_dirac(stored) == asked
        assert gateway.create_transformation(wanted).adopted

    def test_success_without_an_id_is_refused_and_leaves_nothing(self, gateway: Gateway) -> None:
        # one key for the service's table: it removes the row and answers that all is well
        gateway.services.call(CATALOGUE, "addMetadataField", "RUN", "VARCHAR(128)", "-d")
        wanted = spec(unique(), input_query=MetaQuery.parse({"run": "a", "RUN": "b"}))
        with pytest.raises(GatewayRejected, match="without an ID"):
            gateway.create_transformation(wanted)
        assert gateway.find_transformation(wanted.name) is None

    def test_a_condition_that_dirac_could_never_read_again_is_refused(
        self, gateway: Gateway
    ) -> None:
        values = [f"{number:08d}" for number in range(300)]
        wanted = spec(unique(), input_query=MetaQuery.parse({"particle": values}))
        with pytest.raises(GatewayRejected, match="2048"):
            gateway.create_transformation(wanted)
        shorter = spec(unique(), input_query=MetaQuery.parse({"particle": values[:150]}))
        assert gateway.create_transformation(shorter).id

    @pytest.mark.parametrize("before", [True, False], ids=["before the call", "after its work"])
    def test_after_dying_round_the_creating_call_a_retry_ends_with_exactly_one(
        self, gateway: Gateway, before: bool
    ) -> None:
        wanted = spec(unique(), input_query=MetaQuery.parse({"run": unique()}))
        whole = gateway.services
        gateway.services = Interrupted(whole, "addTransformation", lost(), before=before)
        with pytest.raises(GatewayUnavailable):
            gateway.create_transformation(wanted)
        gateway.services = whole
        found = gateway.find_transformation(wanted.name)
        assert (found is None) is before
        made = gateway.create_transformation(wanted)
        assert made.adopted is not before
        assert gateway.create_transformation(wanted).id == made.id

    def test_what_a_service_left_half_made_is_made_anew(self, gateway: Gateway) -> None:
        wanted = spec(
            unique(),
            input_query=MetaQuery.parse({"run": "r", "data_level": 0}),
            output_query=MetaQuery.parse({"data_level": 1}),
        )
        whole = gateway.create_transformation(wanted)
        # the service stores condition by condition: stop after the first
        torn = gateway.services.call(TRANSFORMATIONS, "deleteTransformation", whole.id)
        assert torn is None
        half = wanted.model_copy(
            update={"input_query": MetaQuery.parse({"data_level": 0}), "output_query": None}
        )
        left = gateway.create_transformation(half)
        made = gateway.create_transformation(wanted)
        assert made.id != left.id
        assert not made.adopted
        assert gateway.snapshot([left.id]) == {}
        assert gateway.create_transformation(wanted).adopted

    def test_half_made_but_started_is_somebodys_and_a_conflict(self, gateway: Gateway) -> None:
        wanted = spec(unique(), input_query=MetaQuery.parse({"run": "r", "data_level": 0}))
        half = wanted.model_copy(update={"input_query": MetaQuery.parse({"data_level": 0})})
        left = gateway.create_transformation(half)
        gateway.start_transformation(left.id)
        with pytest.raises(Conflict):
            gateway.create_transformation(wanted)
        assert status_of(gateway, left.id) == Status.ACTIVE

    def test_two_transformations_of_one_name_are_a_conflict_that_names_both(
        self, gateway: Gateway
    ) -> None:
        one, other = spec(unique()), spec(unique())
        ids = [gateway.create_transformation(each).id for each in (one, other)]
        by_hand(gateway, ids[1], "TransformationName", one.name)
        with pytest.raises(Conflict) as raised:
            gateway.create_transformation(one)
        assert all(str(id) in raised.value.reason for id in ids)

    def test_a_name_in_other_letters_is_another_name(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique("Upper")))
        assert gateway.find_transformation(made.name.lower()) is None

    @pytest.mark.parametrize("name", ["4711", "x" * 256, ""])
    def test_names_that_dirac_misreads_are_refused(self, gateway: Gateway, name: str) -> None:
        with pytest.raises(GatewayRejected):
            gateway.create_transformation(spec(name))

    def test_additional_parameters_are_kept_completed_and_compared(self, gateway: Gateway) -> None:
        bare = spec(unique())
        made = gateway.create_transformation(bare)
        wanted = bare.model_copy(update={"parameters": {"TargetSE": "DISK-B-SE", "Tries": 3}})
        assert gateway.create_transformation(wanted).id == made.id
        row = gateway.services.call(TRANSFORMATIONS, "getTransformation", made.id, True)
        assert (row["TargetSE"], row["Tries"]) == ("DISK-B-SE", 3)
        other = bare.model_copy(update={"parameters": {"TargetSE": "DISK-A-SE"}})
        with pytest.raises(Conflict, match="parameter TargetSE"):
            gateway.create_transformation(other)

    @pytest.mark.parametrize("query", [{}, {"no_such_field": 1}], ids=str)
    def test_a_query_that_the_catalogue_would_widen_is_refused(
        self, gateway: Gateway, query: dict[str, object]
    ) -> None:
        asked = MetaQuery.parse(query)
        wanted = spec(unique(), input_query=asked)
        with pytest.raises(GatewayRejected):
            gateway.create_transformation(wanted)
        with pytest.raises(GatewayRejected):
            gateway.count_files(asked)
        assert gateway.find_transformation(wanted.name) is None

    def test_a_group_without_the_right_is_denied(self, system: System) -> None:
        wanted = spec(unique())
        with pytest.raises(GatewayDenied):
            system.gateway(group=POWERLESS).create_transformation(wanted)
        assert system.gateway().find_transformation(wanted.name) is None

    def test_a_removed_transformation_is_not_adopted(self, gateway: Gateway) -> None:
        wanted = spec(unique())
        made = gateway.create_transformation(wanted)
        by_hand(gateway, made.id, "Status", "Cleaned")
        with pytest.raises(Conflict, match="removed"):
            gateway.create_transformation(wanted)


class TestStatus:
    def test_starting_stopping_and_starting_again_may_be_repeated(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique()))
        for _ in range(2):
            gateway.start_transformation(made.id)
            assert status_of(gateway, made.id) == Status.ACTIVE
        for _ in range(2):
            gateway.stop_transformation(made.id)
            assert status_of(gateway, made.id) == Status.STOPPED
        gateway.start_transformation(made.id)
        assert status_of(gateway, made.id) == Status.ACTIVE

    def test_starting_what_a_person_stopped_lets_the_agents_submit_again(
        self, gateway: Gateway
    ) -> None:
        made = gateway.create_transformation(spec(unique()))
        gateway.start_transformation(made.id)
        by_hand(gateway, made.id, "Status", "Stopped")
        by_hand(gateway, made.id, "AgentType", "Manual")
        gateway.start_transformation(made.id)
        row = gateway.services.call(TRANSFORMATIONS, "getTransformation", made.id, False)
        assert (row["Status"], row["AgentType"]) == ("Active", "Automatic")

    @pytest.mark.parametrize("state", ["New", "Stopped", "Completed", "Cleaned", "Idle"])
    def test_only_an_active_transformation_is_flushed(self, gateway: Gateway, state: str) -> None:
        made = gateway.create_transformation(spec(unique()))
        by_hand(gateway, made.id, "Status", state)
        assert gateway.flush_transformation(made.id) is False
        assert status_of(gateway, made.id) == state

    def test_completing_may_be_repeated_and_nothing_starts_it_again(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique()))
        gateway.start_transformation(made.id)
        for _ in range(2):
            gateway.complete_transformation(made.id)
            assert status_of(gateway, made.id) == Status.COMPLETED
        gateway.start_transformation(made.id)
        gateway.stop_transformation(made.id)
        assert status_of(gateway, made.id) == Status.COMPLETED

    @pytest.mark.parametrize("state", ["Cleaned", "Deleted", "TransformationCleaned"])
    def test_a_removed_transformation_is_neither_completed_nor_started(
        self, gateway: Gateway, state: str
    ) -> None:
        made = gateway.create_transformation(spec(unique()))
        by_hand(gateway, made.id, "Status", state)
        with pytest.raises(TransformationFailed, match=state):
            gateway.complete_transformation(made.id)
        with pytest.raises(TransformationFailed, match=state):
            gateway.start_transformation(made.id)
        gateway.stop_transformation(made.id)
        assert status_of(gateway, made.id) == state

    @pytest.mark.parametrize("state", ["New", "Active", "Stopped", "Completed", "RemovedFiles"])
    def test_cleaning_is_asked_for_once_and_left_to_the_agent(
        self, gateway: Gateway, state: str
    ) -> None:
        made = gateway.create_transformation(spec(unique()))
        by_hand(gateway, made.id, "Status", state)
        for _ in range(2):
            gateway.clean_transformation(made.id)
            assert status_of(gateway, made.id) == Status.CLEANING

    @pytest.mark.parametrize("state", ["Cleaned", "Archived", "Deleted"])
    def test_what_has_been_cleaned_is_not_cleaned_again(self, gateway: Gateway, state: str) -> None:
        made = gateway.create_transformation(spec(unique()))
        by_hand(gateway, made.id, "Status", state)
        gateway.clean_transformation(made.id)
        assert status_of(gateway, made.id) == state

    def test_many_are_found_by_their_exact_names(self, gateway: Gateway) -> None:
        names = [unique() for _ in range(3)]
        made = [gateway.create_transformation(spec(name)) for name in names[:2]]
        found = gateway.find_transformations([*names, names[0].upper()])
        assert {name: record.id for name, record in found.items()} == {
            names[0]: made[0].id,
            names[1]: made[1].id,
        }
        assert gateway.find_transformations([]) == {}

    def test_an_unknown_transformation_is_not_found(self, gateway: Gateway) -> None:
        for verb in (
            gateway.start_transformation,
            gateway.stop_transformation,
            gateway.flush_transformation,
            gateway.complete_transformation,
            gateway.clean_transformation,
        ):
            with pytest.raises(NotFound):
                verb(999_999_999)

    def test_a_snapshot_of_many_costs_three_calls(self, gateway: Gateway) -> None:
        ids = [
            gateway.services.call(
                TRANSFORMATIONS, "addTransformation", unique(), "", "", "Merging", "Standard",
                "Automatic", "",
            )
            for _ in range(120)
        ]  # fmt: skip
        before = gateway.services.calls.total()
        found = gateway.snapshot([*ids, *ids, 999_999_999])
        assert gateway.services.calls.total() - before == 3
        assert sorted(found) == sorted(ids)
        assert {str(snapshot.status) for snapshot in found.values()} == {"New"}
        assert gateway.snapshot([]) == {}
        assert gateway.services.calls.total() - before == 3


class TestTasksAndFiles:
    def test_tasks_are_made_once_and_all_of_them(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
        assert gateway.ensure_tasks(made.id, 5) == 5
        assert gateway.ensure_tasks(made.id, 5) == 0
        assert gateway.ensure_tasks(made.id, 7) == 2
        assert gateway.ensure_tasks(made.id, 3) == 0
        assert gateway.snapshot([made.id])[made.id].tasks == {"Created": 7}

    def test_tasks_are_exact_after_dying_while_they_were_made(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
        whole = gateway.services
        gateway.services = Interrupted(whole, "extendTransformation", lost())
        with pytest.raises(GatewayUnavailable):
            gateway.ensure_tasks(made.id, 6)
        gateway.services = whole
        gateway.ensure_tasks(made.id, 6)
        assert gateway.snapshot([made.id])[made.id].tasks == {"Created": 6}

    def test_a_type_with_input_is_not_extended(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique()))
        with pytest.raises(GatewayRejected, match="extend"):
            gateway.ensure_tasks(made.id, 1)

    def test_tasks_of_a_started_transformation_run_and_end(
        self, system: System, gateway: Gateway
    ) -> None:
        made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
        gateway.ensure_tasks(made.id, 2)
        gateway.start_transformation(made.id)
        system.until(lambda: gateway.snapshot([made.id])[made.id].tasks == {"Done": 2})

    def test_files_are_grouped_while_it_runs_and_the_rest_when_it_is_flushed(
        self, system: System, gateway: Gateway
    ) -> None:
        directory = prepared(gateway)
        query = MetaQuery.parse(directory.metadata)
        made = gateway.create_transformation(spec(unique(), input_query=query, group_size=2))
        for number in range(5):
            system.register(f"{directory.path}/{number}", {})
        system.cycles(1)
        assert gateway.snapshot([made.id])[made.id].files == {}  # it is New

        gateway.start_transformation(made.id)
        system.until(
            lambda: gateway.snapshot([made.id])[made.id].files == {"Processed": 4, "Unused": 1}
        )
        assert gateway.count_files(query) == 5
        assert gateway.flush_transformation(made.id) is True
        system.until(lambda: gateway.snapshot([made.id])[made.id].files == {"Processed": 5})
        snapshot = gateway.snapshot([made.id])[made.id]
        assert snapshot.tasks == {"Done": 3}
        assert snapshot.status == Status.ACTIVE

    def test_listed_files_are_attached_once_and_worked_on_without_any_query(
        self, system: System, gateway: Gateway
    ) -> None:
        directory = prepared(gateway)
        lfns = [f"{directory.path}/{number}" for number in range(3)]
        for lfn in lfns:
            system.register(lfn, {})
        made = gateway.create_transformation(spec(unique(), group_size=3, files=tuple(lfns)))
        assert gateway.add_files(made.id, lfns[:2]) == 2
        assert gateway.add_files(made.id, lfns) == 1
        assert gateway.add_files(made.id, lfns) == 0
        assert gateway.snapshot([made.id])[made.id].files == {"Unused": 3}
        gateway.start_transformation(made.id)
        system.until(lambda: gateway.snapshot([made.id])[made.id].files == {"Processed": 3})

    def test_a_list_with_a_file_that_does_not_exist_attaches_nothing(
        self, system: System, gateway: Gateway
    ) -> None:
        directory = prepared(gateway)
        there, gone = f"{directory.path}/there", f"{directory.path}/gone"
        system.register(there, {})
        made = gateway.create_transformation(spec(unique()))
        with pytest.raises(NotFound, match=gone):
            gateway.add_files(made.id, [there, gone])
        assert gateway.snapshot([made.id])[made.id].files == {}

    def test_a_flush_with_nothing_to_flush_ends_too(self, system: System, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique()))
        gateway.start_transformation(made.id)
        assert gateway.flush_transformation(made.id) is True
        system.until(lambda: status_of(gateway, made.id) == Status.ACTIVE)

    def test_a_stopped_transformation_attaches_nothing(
        self, system: System, gateway: Gateway
    ) -> None:
        directory = prepared(gateway)
        made = gateway.create_transformation(
            spec(unique(), input_query=MetaQuery.parse(directory.metadata))
        )
        gateway.start_transformation(made.id)
        gateway.stop_transformation(made.id)
        system.cycles(1)  # an agent that saw it Active may be at work
        system.register(f"{directory.path}/late", {})
        system.cycles(1)
        assert gateway.snapshot([made.id])[made.id].files == {}


class TestCatalogue:
    def test_directories_are_made_with_metadata_and_may_be_made_again(
        self, gateway: Gateway
    ) -> None:
        mark = unique()
        above = DirectorySpec(
            path=f"/sim/contract/{mark}",
            metadata={"run": mark, "data_level": 0, "thetaP": 20.1, "particle": "gamma"},
        )
        below = DirectorySpec(
            path=f"/sim/contract/{mark}/below/", metadata={"run": mark, "merged": 0}
        )
        for _ in range(2):
            gateway.prepare_directories([above, below])

    def test_a_directory_with_other_metadata_is_a_conflict_and_stays_as_it_is(
        self, gateway: Gateway
    ) -> None:
        directory = prepared(gateway, data_level=0)
        other = directory.model_copy(update={"metadata": {"data_level": 1, "merged": 1}})
        with pytest.raises(Conflict, match="data_level: asked 1, found 0"):
            gateway.prepare_directories([other])
        gateway.prepare_directories(
            [directory.model_copy(update={"metadata": {**directory.metadata, "merged": 0}})]
        )

    def test_metadata_of_a_directory_above_are_a_conflict_too(self, gateway: Gateway) -> None:
        directory = prepared(gateway, data_level=0)
        below = DirectorySpec(path=f"{directory.path}/below", metadata={"data_level": 1})
        with pytest.raises(Conflict, match="above"):
            gateway.prepare_directories([below])

    def test_metadata_that_nobody_could_search_for_are_refused(self, gateway: Gateway) -> None:
        with pytest.raises(GatewayRejected, match="no_such_field"):
            prepared(gateway, no_such_field=1)
        with pytest.raises(GatewayRejected, match="split"):  # a field of files
            prepared(gateway, split="train")

    def test_files_are_counted_as_the_query_says(self, system: System, gateway: Gateway) -> None:
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
            gateway.prepare_directories(
                [DirectorySpec(path=path, metadata={"run": mark, **metadata})]
            )
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


class TestDatasets:
    def test_a_dataset_that_holds_too_many_or_too_few_files_is_refused_and_leaves_nothing(
        self, system: System, gateway: Gateway
    ) -> None:
        directory = prepared(gateway)
        for number in range(3):
            system.register(f"{directory.path}/{number}", {})
        name = f"/sim/datasets/{unique()}"
        wanted = DatasetSpec(name=name, query=MetaQuery.parse(directory.metadata), freeze=False)
        for bounds in ({"max_files": 2}, {"min_files": 4}):
            with pytest.raises(GatewayRejected, match="would hold 3 files"):
                gateway.create_dataset(wanted.model_copy(update=bounds))
            assert gateway.find_dataset(name) is None
        fitting = wanted.model_copy(update={"min_files": 3, "max_files": 3})
        assert gateway.create_dataset(fitting).files == 3

    def dataset(self, query: MetaQuery, **changes: object) -> DatasetSpec:
        fields = {"name": f"/sim/datasets/{unique()}", "query": query, "annotation": "for a test"}
        return DatasetSpec.model_validate({**fields, **changes})

    def filled(self, system: System, gateway: Gateway, files: int = 3) -> DirectorySpec:
        directory = prepared(gateway, data_level=0)
        for number in range(files):
            system.register(f"{directory.path}/{number}", {})
        return directory

    def test_a_frozen_dataset_keeps_its_files_and_is_adopted(
        self, system: System, gateway: Gateway
    ) -> None:
        directory = self.filled(system, gateway)
        wanted = self.dataset(MetaQuery.parse(directory.metadata), expect_files=3)
        assert gateway.find_dataset(wanted.name) is None
        made = gateway.create_dataset(wanted)
        assert (made.files, made.frozen, made.adopted) == (3, True, False)
        assert made.annotation == "for a test"
        assert MetaQuery.from_dirac(made.query) == wanted.query
        system.register(f"{directory.path}/late", {})
        again = gateway.create_dataset(wanted)
        assert (again.files, again.frozen, again.adopted) == (3, True, True)
        assert gateway.find_dataset(wanted.name) is not None

    def test_a_dataset_that_is_not_frozen_follows_the_catalogue(
        self, system: System, gateway: Gateway
    ) -> None:
        directory = self.filled(system, gateway)
        wanted = self.dataset(MetaQuery.parse(directory.metadata), freeze=False)
        assert (gateway.create_dataset(wanted).files, gateway.create_dataset(wanted).frozen) == (
            3,
            False,
        )
        system.register(f"{directory.path}/late", {})
        found = gateway.find_dataset(wanted.name)
        assert found is not None
        assert (found.files, found.frozen) == (4, False)

    def test_a_dataset_is_not_frozen_without_files(self, gateway: Gateway) -> None:
        wanted = self.dataset(MetaQuery.parse({"run": unique()}))
        with pytest.raises(GatewayRejected, match="without any file"):
            gateway.create_dataset(wanted)
        assert gateway.find_dataset(wanted.name) is None
        open_ended = gateway.create_dataset(wanted.model_copy(update={"freeze": False}))
        assert (open_ended.files, open_ended.frozen) == (0, False)

    def test_another_number_of_files_than_expected_leaves_nothing_behind(
        self, system: System, gateway: Gateway
    ) -> None:
        directory = self.filled(system, gateway)
        wanted = self.dataset(MetaQuery.parse(directory.metadata), expect_files=4)
        with pytest.raises(GatewayRejected, match="3 files instead of 4"):
            gateway.create_dataset(wanted)
        assert gateway.find_dataset(wanted.name) is None
        system.register(f"{directory.path}/late", {})
        assert gateway.create_dataset(wanted).files == 4

    @pytest.mark.parametrize(
        "call", ["addDataset", "addDatasetAnnotation", "updateDataset", "freezeDataset"]
    )
    def test_after_dying_while_it_was_made_a_retry_completes_it(
        self, system: System, gateway: Gateway, call: str
    ) -> None:
        directory = self.filled(system, gateway)
        wanted = self.dataset(MetaQuery.parse(directory.metadata), expect_files=3)
        whole = gateway.services
        gateway.services = Interrupted(whole, call, lost())
        with pytest.raises(GatewayUnavailable):
            gateway.create_dataset(wanted)
        gateway.services = whole
        made = gateway.create_dataset(wanted)
        assert (made.files, made.frozen, made.annotation) == (3, True, "for a test")

    def test_a_name_with_another_query_is_a_conflict(self, gateway: Gateway) -> None:
        wanted = self.dataset(MetaQuery.parse({"run": unique()}), freeze=False)
        gateway.create_dataset(wanted)
        other = wanted.model_copy(update={"query": MetaQuery.parse({"run": unique()})})
        with pytest.raises(Conflict, match="another query"):
            gateway.create_dataset(other)

    def test_a_base_name_is_used_once_only(self, gateway: Gateway) -> None:
        wanted = self.dataset(MetaQuery.parse({"run": unique()}), freeze=False)
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
        self, gateway: Gateway, changes: dict[str, object]
    ) -> None:
        wanted = self.dataset(MetaQuery.parse({"run": unique()}))
        with pytest.raises(GatewayRejected):
            gateway.create_dataset(wanted.model_copy(update=changes))
