"""Whatever is killed while many ask at once, all are answered, and one agent lives.

Agents here find an empty DIRAC, so they start in a fraction of the time: that a proxy is missing
needs none. ``ROUNDS_OF_KILLS`` asks for more rounds.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dirac_prodsys.errors import GatewayDenied, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings
from tests.agents import agents_in, kill, processes, running
from tests.patience import patience, until

ROUNDS = int(os.environ.get("ROUNDS_OF_KILLS", "5"))
#: what the agent imports before it listens
_MODULES = (
    "DIRAC.Core.DISET.private.InnerRPCClient",
    "DIRAC.Core.DISET.private.Transports.SSL.M2Utils",
    "DIRAC.Core.Security.X509Chain",
    "DIRAC.Interfaces.API.Job",
)
_DIRAC = 'version = "9.1.22"\nclass gLogger:\n    setLevel = print\n'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of agents."""
    agents = tmp_path / "agents"
    agents.mkdir()
    with agents_in(agents):
        yield agents


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    """A connection whose Python has the empty DIRAC."""
    for module in _MODULES:
        file = tmp_path.joinpath("empty", *module.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "empty" / "DIRAC" / "__init__.py").write_text(_DIRAC)
    python = tmp_path / "python"
    path = f"{tmp_path / 'empty'}:$PYTHONPATH"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return GatewaySettings(backend="agent", dirac_python=str(python), timeout=patience(30))


def answered(gateway: ProductionGateway) -> bool:
    """Whether an agent answers, which finds no proxy; anything else is an outage."""
    try:
        gateway.proxy_facts()
    except GatewayDenied:
        return True
    except GatewayUnavailable:
        return False
    raise AssertionError("there is no such proxy")


def ask(settings: GatewaySettings) -> None:
    """Ask once, in a process that may be killed meanwhile."""
    answered(open_gateway(settings))


def test_all_are_answered_and_one_lives_whoever_is_killed(
    folder: Path, settings: GatewaySettings
) -> None:
    chance = random.Random(1)  # noqa: S311
    others = multiprocessing.get_context("forkserver")
    others.set_forkserver_preload(["dirac_prodsys.gateway.agent"])
    identities = [replace(settings, proxy=f"/nowhere/{name}.pem") for name in "aab"]
    for number in range(ROUNDS):
        gateways = [open_gateway(each) for each in identities]
        askers = [others.Process(target=ask, args=(each,)) for each in identities]
        with ThreadPoolExecutor(len(gateways)) as pool:
            calls = [pool.submit(answered, gateway) for gateway in gateways]
            for asker in askers:
                asker.start()
            for _ in range(1 + number % 3):
                time.sleep(chance.random())  # in the middle of whatever is going on
                pids = [asker.pid for asker in askers if asker.is_alive()]
                kill_one([*(one.pid for one in processes(folder)), *filter(None, pids)], chance)
            for call in calls:
                call.result()
            for asker in askers:
                asker.join()
        for gateway in gateways:  # each stays connected
            until("an answer", 30, lambda gateway=gateway: answered(gateway))
        until("one agent", 5, lambda: len(running(folder)) == 1)
        if number % 2:  # the next round begins without one
            kill(running(folder))


def kill_one(victims: list[int], chance: random.Random) -> None:
    """kill -9 one of these, by their numbers, if it still lives."""
    with suppress(psutil.NoSuchProcess, IndexError):
        psutil.Process(chance.choice(victims)).kill()


@pytest.mark.parametrize("pattern", ["*.sock", "*.running", "*.code/*"])
def test_one_whose_files_were_cleaned_away_ends_though_somebody_is_connected(
    folder: Path, settings: GatewaySettings, pattern: str
) -> None:
    gateway = open_gateway(replace(settings, proxy="/nowhere/a.pem"))
    assert answered(gateway)
    first = processes(folder)
    (file,) = folder.glob(pattern)
    file.unlink()
    other = open_gateway(replace(settings, proxy="/nowhere/b.pem"))
    until("an answer", 30, lambda: answered(other))
    until("the end of the first", 10, lambda: not set(first) & set(processes(folder)))
    until("an answer", 30, lambda: answered(gateway))
    until("one agent", 5, lambda: len(running(folder)) == 1)


def test_an_upgrade_under_a_process_is_an_outage_until_it_is_restarted(
    folder: Path, settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dirac_prodsys.gateway.agent.starting.version", lambda: "of yesterday")
    with pytest.raises(GatewayUnavailable, match="upgraded") as caught:
        open_gateway(settings).proxy_facts()
    assert "restart" in caught.value.hint


def test_an_environment_of_dirac_8_0_is_refused_with_the_reason(
    folder: Path, settings: GatewaySettings, tmp_path: Path
) -> None:
    code = tmp_path / "empty" / "DIRAC" / "__init__.py"
    code.write_text(_DIRAC.replace("9.1.22", "8.0.86"))
    with pytest.raises(GatewayRejected, match=r"DIRAC 8\.0\.86 is not supported because"):
        open_gateway(settings).ping()
