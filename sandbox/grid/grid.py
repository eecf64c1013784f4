"""Starts and stops the processes of a whole grid, in order.

Invariant: `up` ends with every service answering an authenticated call, or with nothing running.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sandbox import ports
from sandbox.configuration import certificates, environment, files
from sandbox.configuration.needs import Needs
from sandbox.configuration.profiles import CONFIGURATION, PROFILES, Profile
from sandbox.errors import SandboxError
from sandbox.grid import inspection, programs, seeding
from sandbox.grid.mariadb import NAME as MARIADB
from sandbox.grid.mariadb import MariaDB
from sandbox.grid.outages import Outages
from sandbox.process import Processes
from sandbox.state import State

#: seconds that a grid which has just started may take to answer: on a busy machine, programs begin
#: slowly
_DEMANDED = 120.0


def _silent(_message: str) -> None:
    """Say nothing."""


class Grid(Outages):
    """A DIRAC grid on this machine; see the package's docstring for an example.

    :param state_dir: directory of all its files.
    :param profile: ``light`` or ``full``.
    :param separate: services that get their own process, so that they can be stopped, frozen or
        killed alone.
    :param needs: what it must have beyond the community; None: as it was started last.
    :param say: called with one line of progress at a time.
    :raises SandboxError: for an unknown profile or service.
    """

    def __init__(
        self,
        state_dir: str | os.PathLike[str],
        profile: str = "light",
        *,
        separate: Iterable[str] = (),
        needs: Needs | None = None,
        say: Callable[[str], None] = _silent,
    ) -> None:
        if profile not in PROFILES:
            raise SandboxError(f"no profile {profile}", f"there are: {', '.join(PROFILES)}")
        self.profile: Profile = PROFILES[profile]
        self.separate = tuple(separate)
        for service in self.separate:
            if service not in self.profile.services or service == CONFIGURATION:
                raise SandboxError(f"{service} cannot have a process of its own in {profile}")
        self.state = State(state_dir)
        self.needs = needs if needs is not None else Needs.kept(self.state)
        self.say = say
        self.processes = Processes(self.state)
        self.mariadb = MariaDB(self.state, self.processes)

    # -- life ---------------------------------------------------------------------------------

    def up(self) -> bool:
        """Start everything.

        :returns: False if the same grid was already up and answering.
        :raises SandboxError: reason, hint and log; nothing is left running then.
        """
        with self.state.lock():
            if self._is_up():
                return False
            try:
                # leftovers of a crash, or of another profile
                self._stop()
                self._start()
            except BaseException:
                self._stop()
                raise
        return True

    def down(self) -> None:
        """Stop everything, in reverse order; remove proxies and temporary files."""
        with self.state.lock():
            self._stop()

    def wipe(self) -> None:
        """`down`, and remove all data: databases, storage, catalogue. Ports and keys stay."""
        with self.state.lock():
            self._stop()
            for folder in (
                self.state.database,
                self.state.storage,
                self.state.dirac,
                self.state.worker_nodes,
                self.state.log,
                self.state.home,
            ):
                shutil.rmtree(folder, ignore_errors=True)
            self.state.forget("seeded")

    def __enter__(self) -> Grid:
        self.up()
        return self

    def __exit__(self, *_raised: object) -> None:
        self.down()

    # -- for clients --------------------------------------------------------------------------

    @property
    def client_cfg(self) -> Path:
        """Return the configuration file of a client: a connection names it."""
        return self.state.client_cfg

    def proxy(self, user: str, group: str) -> Path:
        """Return the proxy file of a user in a group. :raises SandboxError: there is none."""
        if (user, group) not in self.needs.proxies:
            raise SandboxError(f"{user} is not in {group}")
        return self.state.proxies / f"{user}.{group}.pem"

    def env(self, user: str = "prodmgr", group: str = "sim_prod") -> dict[str, str]:
        """Return the whole environment of a client's process. :raises SandboxError: as `proxy`."""
        self.proxy(user, group)
        return environment.client(self.state, user, group)

    def ports(self) -> dict[str, int]:
        """Return name -> port, for MariaDB and every service."""
        return ports.allocate(self.state, self.profile.ports())

    # -- looking ------------------------------------------------------------------------------

    def probe(self, seconds: float = 20.0) -> dict[str, Any]:
        """Make one authenticated RPC to every service; see `inspection.probe`."""
        return inspection.probe(self.state, seconds)

    def status(self) -> dict[str, Any]:
        """Return everything that ``python -m sandbox status`` shows, as plain data."""
        return inspection.status(self.processes, self.mariadb)

    # -- inside -------------------------------------------------------------------------------

    def _is_up(self) -> bool:
        names = self.processes.names()
        alive = [name for name in names if self.processes.find(name)]
        if not alive:
            return False
        facts = self.state.read("grid")
        if facts.get("profile") != self.profile.name or facts.get("separate") != list(
            self.separate
        ):
            layout = "".join(f" --separate {name}" for name in facts.get("separate", []))
            raise SandboxError(
                f"a {facts.get('profile')}{layout} grid is running in {self.state.root}",
                f"stop it first: python -m sandbox down --state {self.state.root}",
            )
        answers = self.probe() if alive == names and self.mariadb.answers() else {}
        if answers and all(answer["ready"] for answer in answers.values()):
            return True
        self.say("the grid is up only in part: starting again")
        return False

    def _start(self) -> None:
        state = self.state
        programs.demand_packages()
        if (Path.home() / ".dirac.cfg").exists():
            self.say("note: every DIRAC client of yours reads ~/.dirac.cfg, on this grid too")
        state.create()
        chosen = self.ports()
        ports.demand_free(state, chosen)
        if certificates.ensure_certificates(state):
            self.say("certificates made")
        password = self._password()
        self.needs.keep(state)
        files.write_all(state, self.profile, chosen, password, self.needs)
        state.write("grid", {"profile": self.profile.name, "separate": list(self.separate)})
        proxies = seeding.start_proxies(state)
        self.mariadb.start(chosen[MARIADB])
        self.mariadb.create_databases(password)
        self.say(f"MariaDB on port {chosen[MARIADB]}")
        shared = [name for name in self.profile.services if name not in self.separate]
        programs.start_services(self.processes, programs.SERVICES, shared)
        for service, name in self._layout().items():
            programs.start_services(self.processes, name, [service])
        self.say(f"{len(self.profile.services)} services")
        seeding.finish(state, proxies, "proxies")
        if seeding.seed(state, self.profile):
            self.say("storage elements, sites, metadata fields and proxies seeded")
        programs.start_engine(self.processes, self.profile)
        self.say("agents" if self.profile.agents else "agents and local executor")
        self._demand_answers()

    def _demand_answers(self) -> None:
        answers = self.probe(_DEMANDED)
        silent = [name for name, answer in answers.items() if not answer["ready"]]
        if not answers:
            raise SandboxError(
                "the Configuration Server does not answer", log=self.state.log_of("probe")
            )
        if silent:
            raise SandboxError(
                f"{silent[0]} does not answer: {answers[silent[0]]['error']}",
                log=self.state.log_of(programs.SERVICES),
            )

    def _stop(self) -> None:
        order = [
            *reversed(self.profile.agents),
            programs.EXECUTOR,
            *self._layout().values(),
            programs.SERVICES,
        ]
        names = self.processes.names()
        known = [name for name in order if name in names]
        unknown = [name for name in names if name not in order and name != MARIADB]
        for name in [*unknown, *known]:
            self.processes.stop(name)
        self.processes.sweep()
        self.mariadb.stop()
        self.state.clear_temporary()
        for proxy in self.state.proxies.glob("*.pem"):
            proxy.unlink(missing_ok=True)

    def _password(self) -> str:
        path = self.state.etc / "database-password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(16))
        return path.read_text()
