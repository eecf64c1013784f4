"""Connections to DIRAC: whose proxy, which grid, what if it hangs; the host is left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from diraccfg import CFG

from dirac_prodsys.errors import GatewayDenied, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.dirac.rpc import MAX_CALLS
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import CATALOGUE, TRANSFORMATIONS
from sandbox import Grid
from tests.contract.systems import spec, unique
from tests.patience import patience

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(contract_grid: Grid) -> GatewaySettings:
    """The production manager's connection."""
    return GatewaySettings(
        config=str(contract_grid.client_cfg),
        proxy=str(contract_grid.proxy("prodmgr", "sim_prod")),
        group="sim_prod",
        vo="sim",
    )


@pytest.fixture
def frozen(contract_grid: Grid) -> Iterator[None]:
    """The TransformationManager accepts connections and answers nobody."""
    contract_grid.freeze(TRANSFORMATIONS)
    yield
    contract_grid.thaw(TRANSFORMATIONS)


def test_without_a_proxy_everything_is_denied(settings: GatewaySettings) -> None:
    gateway = DiracGateway(replace(settings, proxy="/nowhere/proxy.pem"))
    for verb in (gateway.ping, lambda: gateway.snapshot([1])):
        with pytest.raises(GatewayDenied, match=r"no proxy file /nowhere/proxy\.pem"):
            verb()


def test_what_is_no_proxy_is_denied(settings: GatewaySettings, tmp_path: Path) -> None:
    (tmp_path / "proxy.pem").write_text("nothing of the kind")
    with pytest.raises(GatewayDenied, match="cannot be used"):
        DiracGateway(replace(settings, proxy=str(tmp_path / "proxy.pem"))).ping()


def test_an_expired_proxy_is_denied(settings: GatewaySettings, tmp_path: Path) -> None:
    from DIRAC.Core.Security.m2crypto.X509Chain import X509Chain

    chain = X509Chain()
    assert chain.loadProxyFromFile(settings.proxy)["OK"]
    expired = tmp_path / "expired.pem"
    made = chain.generateProxyToFile(str(expired), -3600)
    assert made["OK"], made
    with pytest.raises(GatewayDenied, match="expired"):
        DiracGateway(replace(settings, proxy=str(expired))).ping()


@pytest.mark.parametrize("changes", [{"group": "sim_user"}, {"vo": "ctao"}], ids=str)
def test_a_connection_that_says_another_group_or_vo_than_the_grid_is_denied(
    settings: GatewaySettings, changes: dict[str, str]
) -> None:
    with pytest.raises(GatewayDenied, match="the connection says"):
        DiracGateway(replace(settings, **changes)).ping()


def test_a_service_that_our_cas_do_not_vouch_for_is_denied(
    settings: GatewaySettings, tmp_path: Path
) -> None:
    with pytest.raises(GatewayDenied, match="certificate"):
        DiracGateway(replace(settings, ca_dir=str(tmp_path))).ping()


def test_a_configuration_that_is_not_there_is_reported(settings: GatewaySettings) -> None:
    with pytest.raises(GatewayRejected, match=r"/nowhere\.cfg does not exist"):
        DiracGateway(replace(settings, config="/nowhere.cfg")).ping()


def test_a_configuration_server_that_is_not_there_is_an_outage(settings: GatewaySettings) -> None:
    url = "dips://localhost:1/Configuration/Server"
    with pytest.raises(GatewayUnavailable, match="no Configuration Server answers"):
        DiracGateway(replace(settings, config=url, ca_dir=_ca_dir(settings), timeout=20)).ping()


def test_in_an_outage_the_last_known_configuration_is_good_enough(
    settings: GatewaySettings, tmp_path: Path
) -> None:
    file = tmp_path / "dirac.cfg"
    closed = "dips://localhost:1/Transformation/TransformationManager"
    sections = {"Systems": {"Transformation": {"URLs": {"TransformationManager": closed}}}}
    file.write_text(str(CFG().loadFromDict(sections)))
    gateway = DiracGateway(replace(settings, config=str(file), ca_dir=_ca_dir(settings)))
    with pytest.raises(GatewayUnavailable, match="refused"):
        gateway.snapshot([1])
    file.unlink()
    with pytest.raises(GatewayUnavailable, match="refused"):
        gateway.snapshot([1])


def test_two_identities_and_two_configurations_work_side_by_side(
    settings: GatewaySettings, contract_grid: Grid
) -> None:
    """The second connection names the Configuration Server itself, and another proxy and VO."""
    server = DiracGateway(settings).services.configuration.option("/DIRAC/Configuration/Servers")
    other = replace(
        settings,
        config=server.split(",")[0].strip(),
        ca_dir=_ca_dir(settings),
        proxy=str(contract_grid.proxy("prodmgr", "ctao_prod")),
        group="ctao_prod",
        vo="ctao",
    )
    user = replace(settings, proxy=str(contract_grid.proxy("alice", "sim_user")), group="sim_user")
    gateways = [DiracGateway(each) for each in (settings, other, user)]
    made = gateways[1].create_transformation(spec(unique()))
    with pytest.raises(GatewayDenied):
        gateways[2].start_transformation(made.id)  # somebody else's
    gateways[0].start_transformation(made.id)  # may manage all productions

    def who(number: int) -> tuple[str, str]:
        gateway = gateways[number % 3]
        answer = gateway.services.call(CATALOGUE, "whoami")
        return gateway.settings.group, answer["group"]

    with ThreadPoolExecutor(8) as pool:
        assert all(mine == found for mine, found in pool.map(who, range(48)))


@pytest.mark.timeout(120)
def test_a_service_that_hangs_is_an_outage_after_the_timeout(
    settings: GatewaySettings, frozen: None
) -> None:
    gateway = DiracGateway(replace(settings, timeout=2))
    with pytest.raises(GatewayUnavailable, match="no answer in 2 s"):
        gateway.snapshot([1])
    assert gateway.services.call(CATALOGUE, "whoami")["group"] == "sim_prod"


@pytest.mark.timeout(180)
def test_calls_that_hang_do_not_pile_up_and_end_with_the_outage(
    settings: GatewaySettings, contract_grid: Grid
) -> None:
    gateway = DiracGateway(replace(settings, timeout=3))
    assert gateway.snapshot([999_999_999]) == {}
    contract_grid.freeze(TRANSFORMATIONS)
    try:

        def look(_: int) -> str:
            with pytest.raises(GatewayUnavailable) as raised:
                gateway.snapshot([1])
            return raised.value.reason

        with ThreadPoolExecutor(MAX_CALLS + 4) as pool:
            reasons = list(pool.map(look, range(MAX_CALLS + 4)))
        assert len(reasons) == MAX_CALLS + 4
    finally:
        contract_grid.thaw(TRANSFORMATIONS)
    patient = replace(settings, timeout=60)
    gateway.settings = gateway.services.settings = patient
    assert gateway.snapshot([999_999_999]) == {}


@pytest.mark.timeout(120)
def test_a_hanging_call_keeps_no_interpreter_from_exiting(
    settings: GatewaySettings, frozen: None
) -> None:
    code = f"""
        from dirac_prodsys.errors import GatewayUnavailable
        from dirac_prodsys.gateway.dirac import DiracGateway
        from dirac_prodsys.gateway.records import GatewaySettings
        try:
            DiracGateway({replace(settings, timeout=2)!r}).snapshot([1])
        except GatewayUnavailable as error:
            print("outage", error.reason)
    """
    done = _run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("outage")


def test_the_host_process_does_not_notice_that_dirac_came_in(settings: GatewaySettings) -> None:
    code = f"""
        import json, logging, os, signal, sys
        from dirac_prodsys.gateway.dirac import DiracGateway
        from dirac_prodsys.gateway.records import GatewaySettings
        def state():
            return dict(
                handlers=[repr(h) for h in logging.root.handlers],
                level=logging.root.level,
                disabled=logging.root.manager.disable,
                names=[logging.getLevelName(n) for n in (10, 20, 30, 40, 50)],
                lines=logging._srcfile,
                signals=[str(signal.getsignal(s)) for s in (1, 2, 10, 12, 15, 17)],
                argv=sys.argv,
                folder=os.getcwd(),
                proxy=os.environ.get("X509_USER_PROXY"),
                configuration=os.environ.get("DIRACSYSCONFIG"),
            )
        before = state()
        gateway = DiracGateway({settings!r})
        gateway.ping()
        from dirac_prodsys.core.grid.specs import Command, JobSpec
        from dirac_prodsys.gateway.bodies import render
        render(JobSpec(name="x", job_type="y", commands=(Command(executable="z"),)))
        from DIRAC import gConfig
        known = gConfig.getValue("/Systems/Transformation/URLs/TransformationManager", "")
        print(json.dumps([before, state(), known]))
    """
    done = _run(code)
    assert done.returncode == 0, done.stderr
    before, after, known = json.loads(done.stdout)  # DIRAC printed nothing, either
    assert after == before
    assert known == ""  # DIRAC's configuration object knows nothing of our connection


def _run(code: str) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment["PYTHONPATH"] = str(REPOSITORY / "plugins")
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=patience(100),
        check=False,
    )


def _ca_dir(settings: GatewaySettings) -> str:
    services = DiracGateway(settings).services
    return services.configuration.ca_dir
