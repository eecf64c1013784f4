"""One agent a machine and user: started when needed, shared, replaced when killed, ended when idle.

No grid is needed: that a proxy is missing, or that a service hangs, the agent finds out by itself.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from dirac_prodsys.errors import GatewayDenied, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.agent.place import FOLDER, place_of
from dirac_prodsys.gateway.agent.starting import IDLE, hello
from dirac_prodsys.gateway.agent.wire import Line, of_this_user, short_path
from dirac_prodsys.gateway.agent.worker import AttendedServices
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings
from tests.agents import agents_in, environment, kill, lives, processes, running, workers
from tests.patience import patience, until

START = 60.0
NO_PROXY = GatewaySettings(backend="agent", proxy="/nowhere/a.pem", timeout=patience(START))

#: a process that asks once, and prints what it has imported
_ASK = """
import sys
from dirac_prodsys.errors import GatewayDenied
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.records import GatewaySettings
try:
    open_gateway(GatewaySettings(backend="agent", timeout=float(sys.argv[1]))).proxy_facts()
except GatewayDenied as error:
    print(error.reason, sorted({"DIRAC", "M2Crypto", "diraccfg"} & set(sys.modules)))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of agents, with a path that is too long for a socket's address."""
    deep = tmp_path / ("far" * 30)
    deep.mkdir()
    with agents_in(deep):
        yield deep


def asked(gateway: ProductionGateway) -> bool:
    """Whether an agent answers: it finds no proxy."""
    with pytest.raises(GatewayDenied, match=r"no proxy file /nowhere/a\.pem"):
        gateway.proxy_facts()
    return True


def ask_in_processes(folder: Path, proxies: list[str]) -> list[str]:
    """What as many processes print that ask at once, each with that X509_USER_PROXY."""

    def one(proxy: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", _ASK, str(patience(START))],
            env={**environment(folder), "X509_USER_PROXY": proxy},
            capture_output=True,
            text=True,
            timeout=patience(2 * START),
            check=False,
        )
        return done.stdout.strip() or done.stderr

    with ThreadPoolExecutor(len(proxies)) as pool:
        return list(pool.map(one, proxies))


def test_many_that_start_at_once_share_one_and_none_acts_as_another(folder: Path) -> None:
    proxies = [f"/nowhere/{name}.pem" for name in "abcabc"]
    assert ask_in_processes(folder, proxies) == [f"there is no proxy file {p} []" for p in proxies]
    (agent,) = running(folder)
    assert len(workers(folder)) == 3  # one for each identity
    assert agent.num_threads() == 1  # it forks
    secret = {"AIRFLOW__CORE__FERNET_KEY", "X509_USER_PROXY", "HOME"}
    assert not secret & set(agent.environ())


def answered(gateway: ProductionGateway) -> bool:
    """Whether there is an answer; an outage is none, and is asked again."""
    with suppress(GatewayUnavailable):
        return asked(gateway)
    return False


def test_one_that_was_killed_is_started_again(folder: Path) -> None:
    gateway = open_gateway(NO_PROXY)
    assert asked(gateway)
    (agent,) = running(folder)
    agent.kill()
    until("the end of its workers", 20, lambda: not processes(folder))
    assert place_of("").socket.exists()  # it left its socket
    until("an answer", 30, lambda: answered(gateway))
    assert running(folder)[0].pid != agent.pid


@pytest.mark.parametrize("which", [running, workers], ids=["agent", "worker"])
def test_one_that_is_killed_during_a_call_is_an_outage(
    folder: Path, tmp_path: Path, which: Callable[[Path], list[psutil.Process]]
) -> None:
    proxy = tmp_path / "proxy.pem"
    _write_certificate(proxy)
    with socket.create_server(("127.0.0.1", 0)) as server:  # it never answers
        server.settimeout(patience(START))
        url = f"dips://127.0.0.1:{server.getsockname()[1]}/Configuration/Server"
        settings = replace(NO_PROXY, config=url, proxy=str(proxy), ca_dir=str(tmp_path))
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(open_gateway(replace(settings, timeout=600)).ping)
            with server.accept()[0]:
                kill(which(folder))
                error = call.exception(patience(20))
    assert isinstance(error, GatewayUnavailable)
    assert "agent is gone" in error.reason
    assert asked(open_gateway(NO_PROXY))


def _write_certificate(file: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=somebody -keyout - -out -"
    made = subprocess.run(command.split(), capture_output=True, check=True)
    file.write_bytes(made.stdout)


def test_one_that_is_frozen_is_an_outage_after_the_timeout(folder: Path) -> None:
    gateway = open_gateway(NO_PROXY)
    assert asked(gateway)
    impatient = GatewaySettings(backend="agent", proxy="/nowhere/a.pem", timeout=1.5)
    for process in processes(folder):
        process.suspend()
    with pytest.raises(GatewayUnavailable, match=r"does not answer in 1\.5 s"):
        open_gateway(impatient).proxy_facts()
    for process in processes(folder):
        process.resume()
    assert asked(gateway)


def test_it_ends_when_nobody_is_connected_and_not_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IDLE, "0.5")
    gateway = open_gateway(NO_PROXY)
    assert asked(gateway)
    before = processes(folder)
    passer_by = open_gateway(GatewaySettings(backend="agent", proxy="/nowhere/b.pem"))
    with pytest.raises(GatewayDenied):
        passer_by.proxy_facts()
    other = [process for process in workers(folder) if process not in before]
    del passer_by
    until("the end of the other's worker", 20, lambda: not any(map(lives, other)))
    assert asked(gateway)
    assert processes(folder) == before
    del gateway
    until("the end of the agent", 20, lambda: not processes(folder))
    assert not place_of("").socket.exists()


def test_another_version_is_not_served(folder: Path) -> None:
    assert asked(open_gateway(NO_PROXY))
    with socket.socket(socket.AF_UNIX) as end:
        with short_path(place_of("").socket) as path:
            end.connect(path)
        line = Line(end)
        line.send({**hello(NO_PROXY), "version": "that of yesterday"})
        assert set(line.receive(patience(20))) == {"version"}  # its own
        with pytest.raises(ConnectionResetError):
            line.receive(patience(20))


def test_another_python_runs_our_code_and_its_own_packages(folder: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert asked(open_gateway(NO_PROXY))
    other = GatewaySettings(
        backend="agent", proxy=NO_PROXY.proxy, dirac_python=str(python), timeout=NO_PROXY.timeout
    )
    assert asked(open_gateway(other))
    assert len(running(folder)) == 2
    paths = [agent.environ()["PYTHONPATH"].split(os.pathsep) for agent in running(folder)]
    # ours may have what this process was given besides
    assert min(map(len, paths)) == 1
    for path in paths:
        assert [each.name for each in Path(path[0]).iterdir()] == ["dirac_prodsys"]


def test_a_python_without_dirac_is_refused_with_its_own_words(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(GatewayRejected, match="No module named") as caught:
        open_gateway(GatewaySettings(backend="agent", dirac_python=str(bare))).ping()
    assert "needs DIRAC" in caught.value.hint
    with pytest.raises(GatewayRejected, match="cannot be started: No such file"):
        open_gateway(GatewaySettings(backend="agent", dirac_python="/nowhere/python")).ping()


def test_a_folder_that_others_can_open_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "led").symlink_to(tmp_path / "closed")
    for name in ("open", "led"):
        monkeypatch.setenv(FOLDER, str(tmp_path / name))
        with pytest.raises(GatewayRejected, match="open to others"):
            open_gateway(NO_PROXY).ping()
    monkeypatch.setenv(FOLDER, str(tmp_path / "closed"))
    assert place_of("").folder == tmp_path / "closed"


def test_only_processes_of_this_user_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert of_this_user(ours)
        monkeypatch.setattr(os, "getuid", lambda: 1 + os.geteuid())
        assert not of_this_user(ours)


def test_a_verb_whose_asker_is_gone_calls_no_service_any_more() -> None:
    ours, theirs = socket.socketpair()
    services = AttendedServices(GatewaySettings(proxy="/nowhere", config="/nowhere"))
    line = Line(ours)
    services.attend(line)
    with pytest.raises(GatewayRejected, match="/nowhere does not exist"):
        services.call("Some/Service", "method")
    before = services.calls.copy()
    theirs.close()
    with pytest.raises(GatewayUnavailable, match="gone"):
        services.call("Some/Service", "method")
    assert services.calls == before
    line.close()
