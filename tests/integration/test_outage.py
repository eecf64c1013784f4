"""Outages of a real grid, seen through the gateway: never an answer, and over when it is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from dirac_prodsys.core.grid.specs import Command, JobSpec, TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from sandbox import Grid
from tests.patience import patience


@pytest.fixture
def gateway(light_grid: Grid) -> DiracGateway:
    """The production manager's gateway, which gives up after 10 s."""
    return DiracGateway(
        GatewaySettings(
            config=str(light_grid.client_cfg),
            proxy=str(light_grid.proxy("prodmgr", "sim_prod")),
            group="sim_prod",
            timeout=10,
        )
    )


@pytest.fixture
def transformation(gateway: DiracGateway, request: pytest.FixtureRequest) -> int:
    """A transformation that waits for files which never come."""
    spec = TransformationSpec(
        name=f"outage_{request.node.name}_{time.time_ns()}",
        description="waits",
        type="Merging",
        body=JobSpec(name="x", job_type="Merging", commands=(Command(executable="/bin/true"),)),
        input_query=MetaQuery.parse({"run": "nothing"}),
    )
    return gateway.create_transformation(spec).id


@pytest.fixture
def repaired(light_grid: Grid) -> Iterator[None]:
    """Whatever a test did to the TransformationManager is undone."""
    yield
    light_grid.start_service(TRANSFORMATIONS)


def answers(look: Callable[[], object], seconds: float = 120) -> None:
    """Wait until ``look`` answers, which it may do only after outages."""
    give_up = time.monotonic() + patience(seconds)
    while True:
        try:
            look()
            return
        except GatewayUnavailable:
            if time.monotonic() > give_up:
                raise


def test_a_service_that_is_down_is_an_outage_and_the_same_gateway_goes_on_afterwards(
    light_grid: Grid, gateway: DiracGateway, transformation: int, repaired: None
) -> None:
    light_grid.stop_service(TRANSFORMATIONS)
    for verb in (
        lambda: gateway.snapshot([transformation]),
        lambda: gateway.start_transformation(transformation),
        gateway.ping,
    ):
        with pytest.raises(GatewayUnavailable):
            verb()
    light_grid.start_service(TRANSFORMATIONS)
    answers(lambda: gateway.start_transformation(transformation))
    assert gateway.snapshot([transformation])[transformation].status == "Active"


def test_a_service_killed_in_the_middle_of_a_call_is_an_outage(
    light_grid: Grid, gateway: DiracGateway, transformation: int, repaired: None
) -> None:
    light_grid.freeze(TRANSFORMATIONS)
    caught: list[Exception] = []

    def look() -> None:
        try:
            gateway.snapshot([transformation])
        except Exception as error:
            caught.append(error)

    waiting = threading.Thread(target=look)
    waiting.start()
    light_grid.kill_service(TRANSFORMATIONS)
    waiting.join()
    assert [type(error) for error in caught] == [GatewayUnavailable]
    light_grid.start_service(TRANSFORMATIONS)
    answers(lambda: gateway.snapshot([transformation]))


def test_a_database_that_is_restarted_is_an_outage_and_never_a_wrong_answer(
    light_grid: Grid, gateway: DiracGateway, transformation: int
) -> None:
    """Meanwhile every look either fails as an outage or tells the truth."""
    query = MetaQuery.parse({"run": "nothing"})
    restarting = threading.Thread(target=light_grid.restart_mariadb, args=(8.0,))
    restarting.start()
    outages = 0
    while restarting.is_alive():
        for look in (
            lambda: sorted(gateway.snapshot([transformation])) == [transformation],
            lambda: gateway.count_files(query) == 0,
            lambda: gateway.find_transformation("no such name") is None,
            lambda: gateway.find_dataset("/sim/datasets/none") is None,
        ):
            try:
                assert look()
            except GatewayUnavailable:
                outages += 1
    restarting.join()
    assert outages > 0
    answers(lambda: gateway.snapshot([transformation]))
    answers(lambda: gateway.count_files(query))
    answers(lambda: gateway.stop_transformation(transformation))
