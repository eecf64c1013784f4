"""What doctor asks a grid, and what it makes of a service that fails; on the grid in memory."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dirac_prodsys.core.doctor import table
from dirac_prodsys.core.doctor.access import NEEDED, USEFUL
from dirac_prodsys.core.doctor.check import examine as check_all
from dirac_prodsys.core.doctor.facts import Facts, GridFacts, GridWork, Missing, ServiceAnswer
from dirac_prodsys.core.doctor.needs import of_grid
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.examination import PATIENCE, examine
from dirac_prodsys.gateway.verbs.examination import COMPONENTS
from tests.contract.systems import by_hand, spec

HOUR = 3600.0


def found(facts: GridFacts) -> dict[str, str]:
    """Code → message of what is found with these facts of a grid."""
    facts_ = Facts(facts, needs=of_grid(facts))
    return {
        one.code: one.what
        for one in check_all(facts_, table.grid_checks())
        if one.outcome == "found" and one.severity == "error"
    }


def test_all_that_a_good_grid_has_is_seen(gateway: MemoryGateway) -> None:
    facts = examine(gateway)
    assert found(facts) == {}
    assert set(facts.services) == {*NEEDED, *USEFUL}
    absent = {
        name
        for name in ("options", "authorities", "proxy", "identity", "inventory", "work", "requests")
        if isinstance(getattr(facts, name), Missing)
    }
    assert absent == set()
    # services that this grid does not have
    for fact in (facts.installed, facts.delegated):
        assert isinstance(fact, Missing)
        assert not fact.outage


@pytest.mark.parametrize(
    ("method", "lost"),
    [
        ("getMetadataFields", {"inventory", "work"}),  # it says how many storage elements there are
        ("whoami", {"identity"}),
        ("getTransformations", {"work"}),
        ("getRequestIDsList", {"requests"}),
    ],
)
def test_a_service_that_fails_costs_its_own_facts(
    grid: MemoryGrid, gateway: MemoryGateway, method: str, lost: set[str]
) -> None:
    grid.fault("hang", method, times=9)
    facts = examine(gateway)
    names = ("identity", "inventory", "work", "requests", "proxy", "options")
    absent = {name for name in names if isinstance(getattr(facts, name), Missing)}
    assert absent == lost
    assert all(getattr(facts, name).outage for name in absent)


def test_a_grid_that_is_down_leaves_no_fact_but_those_of_this_machine(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    grid.down = True
    facts = examine(gateway)
    assert all(isinstance(answer, Missing) for answer in facts.services.values())
    assert not isinstance(facts.proxy, Missing)
    assert set(found(facts)) == {"services"}


def test_without_a_configuration_no_service_is_asked(gateway: MemoryGateway) -> None:
    def refuse(_sections: object) -> dict[str, str]:
        raise GatewayRejected("the configuration file /x does not exist")

    gateway.configured_options = refuse  # type: ignore[assignment,method-assign]
    facts = examine(gateway)
    assert gateway.services.calls.total() == 0
    assert found(facts).keys() == {"configuration"}


def test_services_are_asked_side_by_side(
    gateway: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(len((*NEEDED, *USEFUL)))
    answer: Callable[[str], ServiceAnswer] = gateway.service_answer

    def wait_for_the_others(service: str) -> ServiceAnswer:
        together.wait(30)  # broken, with an error, unless all are asked at the same time
        return answer(service)

    monkeypatch.setattr(gateway, "service_answer", wait_for_the_others)
    facts = examine(gateway)
    assert not any(isinstance(one, Missing) for one in facts.services.values())


def stand_still(grid: MemoryGrid) -> None:
    """No agent of the grid does anything any more."""
    grid._next_cycle = math.inf


def test_agents_that_stand_still_are_known_by_what_they_leave_undone(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    directory = DirectorySpec(path="/memory/d", metadata={"run": "r"})
    gateway.prepare_directories([directory])
    query = MetaQuery.parse({"run": "r"})
    made = gateway.create_transformation(spec("simulated", type="MCSimulation"))
    taking = gateway.create_transformation(spec("taking", input_query=query, group_size=1))
    flushed = gateway.create_transformation(spec("flushed", group_size=1))
    for one in (made, taking, flushed):
        gateway.start_transformation(one.id)
    stand_still(grid)
    gateway.ensure_tasks(made.id, 4)
    grid.catalogue.register("/memory/d/a")
    gateway.flush_transformation(flushed.id)
    assert found(examine(gateway)) == {}
    grid.advance(PATIENCE + HOUR)
    told = found(examine(gateway))
    assert set(told) == {"input-data-agent", "transformation-agent", "workflow-task-agent"}
    assert "4 tasks are Created since" in told["workflow-task-agent"]
    assert found(examine(gateway, patience=5 * HOUR)) == {}
    by_hand(gateway, flushed.id, "Status", "Stopped")
    gateway.add_files(taking.id, ["/memory/d/a"])
    grid.advance(PATIENCE + 24 * HOUR)
    told = found(examine(gateway))
    assert "cannot use 1 file of taking" in told["transformation-agent"]


class Installed:
    """Services of a grid that knows its agents; the answer has DIRAC's form."""

    def __init__(self, services: Any, answer: Any) -> None:
        self.services, self.calls, self.answer = services, services.calls, answer

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        if service != COMPONENTS:
            return self.services.call(service, method, *arguments)
        assert (method, arguments) == (
            "getInstallations",
            ({"UnInstallationTime": None}, {"Type": "agent"}, {}, True),
        )
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def installation(module: str) -> dict[str, Any]:
    """As ``InstalledComponent.toDict`` gives it (``InstalledComponentsDB.py``, 9.1)."""
    component = {"DIRACSystem": "Transformation", "DIRACModule": module, "Type": "agent"}
    return {"Instance": module, "UnInstallationTime": None, "Component": component, "Host": {}}


def test_agents_that_are_installed_are_known_where_the_grid_tells(gateway: MemoryGateway) -> None:
    rows = [installation("InputDataAgent"), installation("WorkflowTaskAgent")]
    gateway.services = Installed(gateway.services, rows)  # type: ignore[assignment]
    told = found(examine(gateway))
    assert set(told) == {"agents-installed"}
    assert gateway.installed_agents() == {"InputDataAgent", "WorkflowTaskAgent"}


def test_a_grid_that_knows_no_installation_has_none(gateway: MemoryGateway) -> None:
    nothing = GatewayRejected(f"{COMPONENTS}: No matching Installations were found")
    gateway.services = Installed(gateway.services, nothing)  # type: ignore[assignment]
    assert gateway.installed_agents() == frozenset()
    assert found(examine(gateway)) == {}


def test_transformations_that_others_made_do_not_stop_the_look(
    grid: MemoryGrid, gateway: MemoryGateway
) -> None:
    made = gateway.create_transformation(
        spec("theirs", input_query=MetaQuery.parse({"run": "elsewhere"}))
    )
    gateway.start_transformation(made.id)
    grid.transformations[made.id].queries["Input"] = {"no_such_field": ("{'=': 1}", "Dict")}
    work = examine(gateway).work
    assert isinstance(work, GridWork)
    assert [one.name for one in work.transformations] == ["theirs"]
