"""Runs the short-lived helpers of a start: proxies each time, the first content of a grid once."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from sandbox.configuration import community, environment
from sandbox.configuration.needs import Needs
from sandbox.configuration.profiles import Profile
from sandbox.errors import SandboxError
from sandbox.process import MARK
from sandbox.state import State

_SECONDS = 120


def start_proxies(state: State) -> subprocess.Popen[bytes]:
    """Start to write the proxy files; they are made at each start and removed at each stop."""
    return _start(state, "proxies", "servers.cfg")


def finish(state: State, child: subprocess.Popen[bytes], name: str) -> None:
    """Wait for a helper. :raises SandboxError: with the last line of its log."""
    try:
        code = child.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        code = -9
    if code:
        lines = state.log_of(name).read_text(errors="replace").strip().splitlines()
        raise SandboxError(
            f"{name}: {lines[-1] if lines else f'ended with code {code}'}", log=state.log_of(name)
        )


def seed(state: State, profile: Profile) -> bool:
    """Fill the databases unless this very content was filled in before.

    :returns: whether it was done now.
    :raises SandboxError: with the last line of the helper's log.
    """
    from dirac_prodsys.gateway.memory.catalogue import known_fields

    asked = repr((Needs.kept(state), known_fields()))
    content = Path(community.__file__).read_bytes() + asked.encode()
    facts = {"content": hashlib.sha256(content).hexdigest(), "profile": profile.name}
    if state.read("seeded") == facts:
        return False
    finish(state, _start(state, "seed", "servers.cfg"), "seed")
    state.write("seeded", facts)
    return True


def _start(state: State, driver: str, local_configuration: str) -> subprocess.Popen[bytes]:
    with state.log_of(driver).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"sandbox.drivers.{driver}", str(state.root)],
            env={**environment.server(state, local_configuration), MARK: str(state.root)},
            cwd=environment.REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
