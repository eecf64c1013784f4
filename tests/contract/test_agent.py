"""One agent for several grids and identities: no call is made under another's."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import MySQLdb
import pytest

from dirac_prodsys.errors import GatewayDenied, GatewayUnavailable
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS
from sandbox import Grid
from tests.agents import running, workers
from tests.contract.systems import spec, unique


@pytest.fixture
def settings(contract_grid: Grid) -> GatewaySettings:
    """The production manager's connection."""
    return of(contract_grid, "prodmgr", "sim_prod")


def of(grid: Grid, user: str, group: str) -> GatewaySettings:
    """The connection of a user in a group."""
    return GatewaySettings(
        backend="agent",
        config=str(grid.client_cfg),
        proxy=str(grid.proxy(user, group)),
        group=group,
        vo=group.split("_")[0],
    )


def test_nobody_acts_as_another(
    contract_grid: Grid, settings: GatewaySettings, agents: Path
) -> None:
    other = of(contract_grid, "prodmgr", "ctao_prod")
    user = of(contract_grid, "alice", "sim_user")
    gateways = [open_gateway(each) for each in (settings, other, user)]
    made = gateways[1].create_transformation(spec(unique()))
    with pytest.raises(GatewayDenied):
        gateways[2].start_transformation(made.id)  # somebody else's
    gateways[0].start_transformation(made.id)  # may manage all productions

    def who(number: int) -> tuple[str, str, str]:
        caller = gateways[number % 3].caller()
        return caller.user, caller.group, caller.vo

    expected = [
        ("prodmgr", "sim_prod", "sim"),
        ("prodmgr", "ctao_prod", "ctao"),
        ("alice", "sim_user", "sim"),
    ]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(who, range(48))) == expected * 16
    assert len(running(agents)) == 1
    assert len(workers(agents)) >= 3


def test_what_three_connections_make_at_once_belongs_to_each_at_the_services(
    contract_grid: Grid, agents: Path
) -> None:
    prefix = unique()
    owners = [("prodmgr", "sim_prod"), ("prodmgr", "ctao_prod"), ("admin", "sim_prod")]
    gateways = [open_gateway(of(contract_grid, *owner)) for owner in owners]

    def make(number: int) -> None:
        gateways[number % 3].create_transformation(spec(f"{prefix}_{number % 3}_{number}"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(make, range(12)))
    with closing(MySQLdb.connect(unix_socket=str(contract_grid.state.socket), user="root")) as db:
        cursor = db.cursor()
        cursor.execute(
            "SELECT SUBSTRING_INDEX(SUBSTRING_INDEX(TransformationName, '_', 2), '_', -1),"
            " Author, AuthorGroup, COUNT(*) FROM TransformationDB.Transformations"
            " WHERE TransformationName LIKE %s GROUP BY 1, 2, 3 ORDER BY 1",
            (f"{prefix}%",),
        )
        counted = list(cursor.fetchall())
    assert counted == [(str(n), *owner, 4) for n, owner in enumerate(owners)]
    assert len(running(agents)) == 1


def test_a_proxy_is_read_for_each_call(
    contract_grid: Grid, settings: GatewaySettings, agents: Path, tmp_path: Path
) -> None:
    proxy = tmp_path / "proxy.pem"
    gateway = open_gateway(replace(settings, proxy=str(proxy), group="", vo=""))
    with pytest.raises(GatewayDenied, match="no proxy file"):
        gateway.caller()
    for user, group in (("alice", "sim_user"), ("prodmgr", "ctao_prod")):
        shutil.copy(contract_grid.proxy(user, group), proxy)
        assert gateway.caller().group == group


def test_a_service_that_hangs_is_an_outage_for_who_asked_and_for_nobody_else(
    contract_grid: Grid, settings: GatewaySettings, agents: Path
) -> None:
    gateway = open_gateway(replace(settings, timeout=2))
    assert gateway.snapshot([999_999_999]) == {}
    contract_grid.freeze(TRANSFORMATIONS)
    try:
        with ThreadPoolExecutor(1) as pool:
            hangs = pool.submit(gateway.snapshot, [1])
            assert open_gateway(settings).existing_files(["/sim/no/file"]) == frozenset()
            assert isinstance(hangs.exception(), GatewayUnavailable)
    finally:
        contract_grid.thaw(TRANSFORMATIONS)
    assert gateway.snapshot([999_999_999]) == {}
