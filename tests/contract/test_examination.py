"""What doctor asks a gateway: the same on the in-memory grid and on DIRAC."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.doctor.access import NEEDED
from dirac_prodsys.core.doctor.facts import TaskTraces
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.verbs.examination import COMPONENTS, PROXIES
from dirac_prodsys.gateway.verbs.services import CATALOGUE, REQUESTS
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

MINUTE, HOUR = 60.0, 3600.0


def clock(gateway: Gateway) -> float:
    """The clock of the TransformationManager."""
    return gateway.service_answer(NEEDED[0]).clock


def test_each_service_says_its_version_and_its_time(gateway: Gateway) -> None:
    for service in (*NEEDED, REQUESTS):
        answer = gateway.service_answer(service)
        assert answer.version.lstrip("v").startswith(("9.0.", "9.1."))
        assert answer.asked <= answer.answered
        assert abs(answer.clock - answer.answered) < MINUTE


@pytest.mark.parametrize("service", [COMPONENTS, PROXIES])
def test_a_service_that_the_grid_lacks_is_no_outage(gateway: Gateway, service: str) -> None:
    with pytest.raises(GatewayRejected):
        gateway.service_answer(service)


def test_who_we_are_comes_with_the_properties_of_the_group(
    gateway: Gateway, system: System
) -> None:
    caller = gateway.caller()
    assert (caller.group, caller.vo) == ("sim_prod", "sim")
    assert "ProductionManagement" in caller.properties
    assert "ProductionManagement" not in system.gateway(POWERLESS).caller().properties


def test_options_of_the_configuration_are_found_below_their_section(gateway: Gateway) -> None:
    path = "/Operations/Defaults/Transformations/DataManipulation"
    found = gateway.configured_options(["/Operations", "/No/Such/Section"])
    assert "Replication" in found[path]
    assert all(name.startswith("/Operations/") for name in found)
    assert gateway.configured_options([]) == {}


def test_a_proxy_lasts_and_there_are_authorities(gateway: Gateway) -> None:
    assert gateway.proxy_facts().ends > clock(gateway) + HOUR
    assert gateway.authorities().found >= 1


def test_a_transformation_is_live_until_it_ends(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    assert made.id not in {one.id for one in gateway.live_transformations()}
    gateway.start_transformation(made.id)
    live = {one.id: one for one in gateway.live_transformations()}[made.id]
    assert (live.name, live.type, live.status) == (made.name, "MCSimulation", "Active")
    assert abs(live.changed - clock(gateway)) < 5 * MINUTE
    gateway.complete_transformation(made.id)
    assert made.id not in {one.id for one in gateway.live_transformations()}


def test_tasks_that_wait_and_tasks_that_were_submitted_leave_traces(
    gateway: Gateway, system: System
) -> None:
    # nobody submits tasks of a transformation that is New
    waiting = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    assert gateway.task_traces([waiting.id], clock(gateway)) == TaskTraces()
    gateway.ensure_tasks(waiting.id, 3)
    now = clock(gateway)
    traces = gateway.task_traces([waiting.id], now + MINUTE)
    assert traces.waiting == 3
    assert traces.oldest <= traces.made
    assert abs(traces.made - now) < MINUTE
    assert traces.moved == 0
    assert gateway.task_traces([waiting.id], now - HOUR).waiting == 0
    done = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    gateway.ensure_tasks(done.id, 1)
    gateway.start_transformation(done.id)
    system.until(lambda: gateway.task_traces([done.id], now).moved > 0)
    both = gateway.task_traces([waiting.id, done.id], clock(gateway) + MINUTE)
    assert both.waiting == 3
    assert both.moved >= traces.made - MINUTE


def test_files_that_are_not_attached_and_not_used_are_counted(
    gateway: Gateway, system: System
) -> None:
    mark = unique()
    directory = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": mark})])
    query = MetaQuery.parse({"run": mark})
    # only an Active transformation gets files from the InputDataAgent
    made = gateway.create_transformation(spec(mark, group_size=10, input_query=query))
    assert gateway.newest_attached([made.id]) == 0
    for name in ("a", "b"):
        system.register(f"{directory}/{name}", {})
    soon = clock(gateway) + MINUTE
    assert gateway.unattached_files(made.id, soon) == 2
    assert gateway.unattached_files(made.id, soon - 400 * 24 * HOUR) == 0
    gateway.add_files(made.id, [f"{directory}/a"])
    assert gateway.unattached_files(made.id, soon) == 1
    assert gateway.unused_files([made.id], soon) == {made.id: 1}
    assert gateway.unused_files([made.id], soon - HOUR) == {}
    assert abs(gateway.newest_attached([made.id]) - clock(gateway)) < MINUTE


def test_a_transformation_without_query_has_nothing_to_attach(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    assert gateway.unattached_files(made.id, clock(gateway)) == 0


def test_the_last_cleaning_is_seen(gateway: Gateway) -> None:
    made = gateway.create_transformation(spec(unique(), type="MCSimulation"))
    by_hand(gateway, made.id, "Status", "Cleaned")
    assert abs(gateway.newest_cleaned() - clock(gateway)) < MINUTE


def test_requests_that_have_ended_are_seen(gateway: Gateway, system: System) -> None:
    directory = f"/sim/contract/{unique()}"
    gateway.services.call(CATALOGUE, "createDirectory", {directory: True})
    system.register(f"{directory}/x", {})
    system.request([f"{directory}/x"], "")
    assert gateway.request_traces(clock(gateway) - HOUR).ended
    assert not gateway.request_traces(clock(gateway) + HOUR).ended


@pytest.mark.parametrize(
    ("verb", "method"),
    [
        ("live_transformations", "getTransformations"),
        ("caller", "whoami"),
        ("installed_agents", "getInstallations"),
        ("delegated_until", "getUserProxiesInfo"),
    ],
)
def test_an_outage_is_an_outage(gateway: Gateway, verb: str, method: str) -> None:
    gateway.services = Interrupted(gateway.services, method, lost(), before=True)
    with pytest.raises(GatewayUnavailable):
        getattr(gateway, verb)()
