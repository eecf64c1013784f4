"""What people's actions rely on: the same on the in-memory grid and on DIRAC."""

from __future__ import annotations

import re

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.grid.status import TransformationStatus as Status
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import (
    Conflict,
    GatewayDenied,
    GatewayUnavailable,
    NotFound,
    TransformationFailed,
)
from dirac_prodsys.gateway.verbs import actions
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from tests.contract.systems import (
    POWERLESS,
    Gateway,
    Interrupted,
    System,
    by_hand,
    lost,
    spec,
    unique,
)


class TestLists:
    def test_a_list_tells_what_selecting_needs(self, gateway: Gateway) -> None:
        group = unique("g")
        made = gateway.create_transformation(
            spec(unique(), type="MCSimulation", group=group, events_per_task=7)
        )
        (listed,) = gateway.list_transformations([group])
        assert (listed.id, listed.name, listed.group) == (made.id, made.name, group)
        assert (listed.type, listed.plugin, listed.status) == ("MCSimulation", "Standard", "New")
        assert (listed.author_group, listed.vo, listed.events_per_task) == ("sim_prod", "sim", 7)
        assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", listed.created)

    def test_groups_are_distinguished_by_case(self, gateway: Gateway) -> None:
        group = unique("g")
        lower = gateway.create_transformation(spec(unique(), group=group))
        gateway.create_transformation(spec(unique(), group=group.upper()))
        assert [one.id for one in gateway.list_transformations([group])] == [lower.id]
        assert gateway.list_transformations([unique("none")]) == []

    def test_the_list_of_all_comes_in_pages_and_is_whole(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        groups = [unique("g") for _ in range(2)]
        made = [gateway.create_transformation(spec(unique(), group=g)).id for g in groups * 2]
        monkeypatch.setattr(actions, "PAGE", 3)
        found = [one.id for one in gateway.list_transformations()]
        assert set(made) <= set(found)
        assert found == sorted(set(found))
        assert [one.id for one in gateway.list_transformations(groups)] == made


class TestGroupSize:
    @pytest.mark.in_process
    def test_it_is_set_and_setting_it_again_changes_nothing(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique(), group_size=2))
        before = gateway.services.calls[f"{TRANSFORMATIONS}.setTransformationParameter"]
        gateway.set_group_size(made.id, 0.3)
        gateway.set_group_size(made.id, 0.3)
        assert gateway.snapshot([made.id])[made.id].group_size == pytest.approx(0.3)
        now = gateway.services.calls[f"{TRANSFORMATIONS}.setTransformationParameter"]
        assert now - before == 1

    def test_a_step_that_is_created_again_keeps_the_size_that_a_person_set(
        self, gateway: Gateway
    ) -> None:
        wanted = spec(unique(), group_size=2)
        made = gateway.create_transformation(wanted)
        gateway.set_group_size(made.id, 5)
        again = gateway.create_transformation(wanted)
        assert (again.id, again.adopted) == (made.id, True)
        assert gateway.snapshot([made.id])[made.id].group_size == 5

    def test_another_difference_is_a_conflict_still(self, gateway: Gateway) -> None:
        wanted = spec(unique(), group_size=2)
        made = gateway.create_transformation(wanted)
        gateway.set_group_size(made.id, 5)
        with pytest.raises(Conflict) as raised:
            gateway.create_transformation(wanted.model_copy(update={"plugin": "BySize"}))
        assert "plugin" in raised.value.reason
        assert "group size" not in raised.value.reason

    def test_what_is_removed_is_not_changed(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique(), group_size=2))
        by_hand(gateway, made.id, "Status", "Cleaned")
        with pytest.raises(TransformationFailed, match="is Cleaned"):
            gateway.set_group_size(made.id, 5)

    def test_an_answer_that_is_lost_costs_a_repetition(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique(), group_size=2))
        real = gateway.services
        gateway.services = Interrupted(real, "setTransformationParameter", lost())
        with pytest.raises(GatewayUnavailable):
            gateway.set_group_size(made.id, 5)
        gateway.services = real
        gateway.set_group_size(made.id, 5)
        assert gateway.snapshot([made.id])[made.id].group_size == 5


class TestDeletion:
    def test_a_deleted_transformation_is_gone_and_deleting_it_again_says_so(
        self, gateway: Gateway
    ) -> None:
        made = gateway.create_transformation(
            spec(unique(), input_query=MetaQuery.parse({"run": unique()}))
        )
        other = gateway.create_transformation(spec(unique()))
        assert gateway.delete_transformation(made.id) is True
        assert gateway.delete_transformation(made.id) is False
        assert gateway.find_transformation(made.name) is None
        assert gateway.find_transformation(other.name) is not None

    def test_an_answer_that_is_lost_costs_a_repetition(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique()))
        real = gateway.services
        gateway.services = Interrupted(real, "deleteTransformation", lost())
        with pytest.raises(GatewayUnavailable):
            gateway.delete_transformation(made.id)
        gateway.services = real
        assert gateway.delete_transformation(made.id) is False

    def test_a_group_without_the_right_deletes_nothing(self, system: System) -> None:
        gateway = system.gateway()
        made = gateway.create_transformation(spec(unique()))
        with pytest.raises(GatewayDenied):
            system.gateway(POWERLESS).delete_transformation(made.id)
        assert gateway.find_transformation(made.name) is not None


class TestShares:
    def test_attached_files_have_their_number_and_size(self, system: System) -> None:
        gateway, run = system.gateway(), unique()
        directory = DirectorySpec(path=f"/sim/contract/{run}", metadata={"run": run})
        gateway.prepare_directories([directory])
        lfns = [f"{directory.path}/{name}" for name in ("a", "bb")]
        for lfn in lfns:
            system.register(lfn, {})
        made = gateway.create_transformation(spec(unique(), group_size=10))
        gateway.add_files(made.id, lfns)
        share = gateway.attached_share(made.id, ["Unused"])
        assert share.files == 2
        assert share.bytes > 0
        assert gateway.attached_share(made.id, ["Processed"]).files == 0

    def test_outputs_without_the_id_stay_and_those_with_it_are_what_cleaning_removes(
        self, system: System
    ) -> None:
        gateway, run = system.gateway(), unique()
        made = gateway.create_transformation(
            spec(unique(), output_query=MetaQuery.parse({"run": run}))
        )
        assert gateway.output_share(made.id).staying == 0
        directory = DirectorySpec(path=f"/sim/contract/{run}", metadata={"run": run})
        gateway.prepare_directories([directory])
        system.register(f"{directory.path}/plain", {})
        share = gateway.output_share(made.id)
        assert (share.files, share.bytes, share.staying) == (0, 0, 1)
        system.register(f"{directory.path}/marked", {"TransformationID": made.id})
        share = gateway.output_share(made.id)
        assert (share.files, share.staying) == (1, 1)
        assert share.bytes > 0

    def test_what_does_not_exist_is_not_found(self, gateway: Gateway) -> None:
        made = gateway.create_transformation(spec(unique()))
        gateway.delete_transformation(made.id)
        with pytest.raises(NotFound):
            gateway.set_group_size(made.id, 2)


def test_a_list_in_an_outage_is_an_outage(gateway: Gateway) -> None:
    gateway.services = Interrupted(gateway.services, "getTransformations", lost(), before=True)
    with pytest.raises(GatewayUnavailable):
        gateway.list_transformations()


def test_status_words_are_those_of_the_snapshot(gateway: Gateway) -> None:
    group = unique("g")
    made = gateway.create_transformation(spec(unique(), group=group))
    gateway.stop_transformation(made.id)
    gateway.start_transformation(made.id)
    (listed,) = gateway.list_transformations([group])
    assert listed.status == gateway.snapshot([made.id])[made.id].status == Status.ACTIVE
