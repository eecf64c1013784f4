"""Lays a network of machines on this one: a bridge, and a network namespace for each machine.

A machine has an address, a host name, and an ``/etc/hosts`` that knows all others. Its processes
listen on that address, and nobody outside of this computer can reach it.

Invariant: ``remove`` leaves no namespace, no bridge and no file of this network, also after a start
that failed half-way.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sandbox.errors import SandboxError

#: where ``ip netns exec`` looks for the files that a namespace has in place of those in /etc
_ETC = Path("/etc/netns")
#: gives the process the machine's host name, and becomes the command
_NAMED = 'hostname "$0" && exec "$@"'


class Network:
    """Machines by name.

    :param names: names of the machines.
    :param aliases: name → a machine that all others know by this name as well.
    """

    def __init__(self, names: Sequence[str], aliases: Mapping[str, str] | None = None) -> None:
        self.names = tuple(names)
        self._aliases = dict(aliases or {})
        tag = secrets.randbelow(2**14)
        #: short, as names of network devices have at most 15 characters
        self._tag = f"m{tag:04x}"
        self._net = f"10.{64 + tag // 256}.{tag % 256}"

    # -- life ---------------------------------------------------------------------------------

    def create(self) -> None:
        """Make all machines. :raises SandboxError: this user may not, or a tool is missing."""
        if os.geteuid() != 0:
            raise SandboxError("network namespaces need root", "run it as root")
        _ip("link", "add", self._tag, "type", "bridge")
        _ip("address", "add", f"{self.gateway}/24", "dev", self._tag)
        _ip("link", "set", self._tag, "up")
        for name in self.names:
            space = self._space(name)
            _ip("netns", "add", space)
            self._write_hosts(name)
            _ip("link", "add", self._cable(name), "type", "veth", "peer", "eth0", "netns", space)
            _ip("link", "set", self._cable(name), "master", self._tag, "up")
            _ip("-n", space, "address", "add", f"{self.address(name)}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def remove(self) -> None:
        """Remove all machines, and do not mind what is missing."""
        for name in self.names:
            for command in (
                ("link", "delete", self._cable(name)),
                ("netns", "delete", self._space(name)),
            ):
                with contextlib.suppress(SandboxError):
                    _ip(*command)
            shutil.rmtree(_ETC / self._space(name), ignore_errors=True)
        with contextlib.suppress(SandboxError):
            _ip("link", "delete", self._tag)

    # -- machines -----------------------------------------------------------------------------

    @property
    def gateway(self) -> str:
        """Return the address under which the machines reach processes outside of them."""
        return f"{self._net}.1"

    @property
    def range(self) -> str:
        """Return all addresses."""
        return f"{self._net}.0/24"

    def address(self, name: str) -> str:
        """Return the address of a machine."""
        return f"{self._net}.{10 + self.names.index(name)}"

    def on(self, name: str, *command: str) -> list[str]:
        """Return the command that runs ``command`` on a machine, in the same process."""
        inside = ("unshare", "--uts", "sh", "-c", _NAMED, name)
        return ["ip", "netns", "exec", self._space(name), *inside, *command]

    # -- accidents ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def cut(self, name: str) -> Iterator[None]:
        """Pull the cable of a machine while the block lasts: packets are lost in silence."""
        _ip("link", "set", self._cable(name), "nomaster")
        try:
            yield
        finally:
            _ip("link", "set", self._cable(name), "master", self._tag)

    @contextlib.contextmanager
    def apart(self, ones: Sequence[str], other: str) -> Iterator[None]:
        """Let some machines not reach another one while the block lasts."""
        route = ("unreachable", f"{self.address(other)}/32")
        for name in ones:
            _ip("-n", self._space(name), "route", "add", *route)
        try:
            yield
        finally:
            for name in ones:
                _ip("-n", self._space(name), "route", "delete", *route)

    # -- inside -------------------------------------------------------------------------------

    def _space(self, name: str) -> str:
        return f"{self._tag}-{name}"

    def _cable(self, name: str) -> str:
        return f"{self._tag}-{self.names.index(name)}"

    def _write_hosts(self, name: str) -> None:
        lines = [f"{self.address(each)} {each}" for each in self.names]
        known = {"localhost": "", **self._aliases}
        for alias, machine in known.items():
            address = "127.0.0.1" if machine in ("", name) else self.address(machine)
            lines.append(f"{address} {alias}")
        folder = _ETC / self._space(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hosts").write_text("\n".join(lines) + "\n")


def _ip(*arguments: str) -> None:
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SandboxError("there is no program ip", "install iproute2") from None
    if done.returncode:
        raise SandboxError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
