"""Runs a whole Airflow on many machines, and has accidents on purpose.

``db``, ``broker``, ``store`` and ``grid`` have one server each; ``control`` has API server,
scheduler and DAG processor; ``triggerer-1``, ``triggerer-2``, ``worker-1``, ``worker-2`` and
``scheduler-2`` have what they are called. The processes are started by the commands of Airflow's
documentation. One that ends is started again, as systemd or Kubernetes does.

Invariant: ``down`` leaves no process and no machine, whatever state the stack is in.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dirac_prodsys.errors import ProdsysError
from sandbox.airflow import settings as airflow_settings
from sandbox.airflow.machines.grid import FarGrid
from sandbox.airflow.machines.network import Network
from sandbox.airflow.machines.servers import Servers
from sandbox.airflow.machines.settings import API_PORT, CONTROL, environment
from sandbox.airflow.rest import AirflowRest, until
from sandbox.airflow.settings import connection_to
from sandbox.configuration.environment import REPOSITORY
from sandbox.errors import SandboxError
from sandbox.process import Processes
from sandbox.state import State

#: the environment that ``scripts/setup-machines`` makes
VENV = REPOSITORY / ".venv-machines"

TRIGGERERS = ("triggerer-1", "triggerer-2")
WORKERS = ("worker-1", "worker-2")
SECOND_SCHEDULER = "scheduler-2"
GRID = "grid"
MACHINES = ("db", "broker", "store", GRID, CONTROL, *TRIGGERERS, *WORKERS, SECOND_SCHEDULER)

#: process → its machine, and the command of Airflow
ROLES = {
    "api-server": (CONTROL, ("api-server",)),
    "scheduler": (CONTROL, ("scheduler",)),
    "dag-processor": (CONTROL, ("dag-processor",)),
    **{name: (name, ("triggerer",)) for name in TRIGGERERS},
    **{name: (name, ("celery", "worker")) for name in WORKERS},
    SECOND_SCHEDULER: (SECOND_SCHEDULER, ("scheduler",)),
}
_AT_START = tuple(name for name in ROLES if name != SECOND_SCHEDULER)
#: seconds at rest in which a process ends that was asked to: a worker ends its tasks first
_TERM_SECONDS = 60.0
_READY_SECONDS = 300.0


class MachinesStack:
    """The machines of one site, and what runs on them.

    :param place: folder of all files, made for it; every user must be able to enter it.
    :param productions: folder of the YAML files, which the DAG processor alone sees.
    :param say: called with one line of progress at a time.
    :param slowness: how many times longer than at rest everything may take on this computer.
    """

    def __init__(
        self,
        place: Path,
        productions: Path,
        say: Callable[[str], None] = lambda _message: None,
        slowness: float = 1.0,
    ) -> None:
        self.place = place
        self.productions = productions
        self.say = say
        self.slowness = slowness
        self.home = place / CONTROL
        self.state = State(place / "processes")
        self.processes = Processes(self.state)
        # every machine but the grid's own knows the grid by the name in its certificates
        self.network = Network(MACHINES, {"localhost": GRID})
        self.far = FarGrid(self.network, GRID, place / "grid", self.processes)
        self.grid = self.far.grid
        #: times that a process has ended by itself and was started again
        self.revived: Counter[str] = Counter()
        #: process → folder with the package that it runs, if not this tree's
        self._packages: dict[str, Path] = {}
        self._password = secrets.token_hex(12)
        self._wanted: set[str] = set()
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._rest: AirflowRest | None = None

    # -- life ---------------------------------------------------------------------------------

    def up(self) -> None:
        """Start everything. :raises SandboxError: something does not start; nothing is left."""
        if not (VENV / "bin" / "airflow").exists():
            raise SandboxError(f"there is no {VENV}", "run scripts/setup-machines")
        try:
            self._up()
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """End everything; the files stay."""
        self._over.set()
        with self._lock:
            self._wanted.clear()
        if self._rest is not None:
            self._rest.close()
        with ThreadPoolExecutor(len(ROLES)) as pool:
            list(pool.map(lambda name: self.processes.stop(name, 10.0), ROLES))
        with contextlib.suppress(SandboxError):
            self.far.down()
        for name in self.processes.names():
            self.processes.stop(name)
        self.processes.sweep()
        self.network.remove()

    def __enter__(self) -> MachinesStack:
        self.up()
        return self

    def __exit__(self, *_raised: object) -> None:
        self.down()

    # -- looking ------------------------------------------------------------------------------

    @property
    def rest(self) -> AirflowRest:
        """Return a session with the API server."""
        if self._rest is None:
            url = f"http://{self.network.address(CONTROL)}:{API_PORT}"
            password = airflow_settings.secrets_of(self.home)["password"]
            self._rest = AirflowRest(url, airflow_settings.USER, password)
        return self._rest

    def storage(self, machine: str) -> Path:
        """Return the bundle storage of a machine."""
        return self.place / machine / "bundles"

    # -- accidents ----------------------------------------------------------------------------

    def start(self, name: str, package: Path | None = None) -> None:
        """Start one process of Airflow.

        :param package: folder with the package that it runs; None: this tree's.
        """
        with self._lock:
            if package is None:
                self._packages.pop(name, None)
            else:
                self._packages[name] = package
            self._wanted.add(name)
            self._start(name)

    def stop(self, name: str) -> None:
        """Ask one process to end, and wait until it has: a worker ends its tasks first."""
        with self._lock:
            self._wanted.discard(name)
        self.processes.stop(name, _TERM_SECONDS * self.slowness)

    # -- inside -------------------------------------------------------------------------------

    def _up(self) -> None:
        self.state.create()
        self.network.create()
        for machine in {machine for machine, _ in ROLES.values()}:
            for folder in ("logs", "tmp"):
                (self.place / machine / folder).mkdir(parents=True, exist_ok=True)
            airflow_settings.share_secrets(self.home, self.place / machine)
        servers = Servers(
            self.network, self.processes, self.place, self._password, programs=VENV / "bin"
        )
        with ThreadPoolExecutor(1) as pool:
            grid = pool.submit(self.far.up)
            servers.up()
            self.say("PostgreSQL, Redis and the store are up")
            self._migrate()
            self.say("Airflow's database is made")
            grid.result()
        self.say("the grid is up")
        for name in _AT_START:
            self.start(name)
        threading.Thread(target=self._revive, daemon=True).start()
        until("all of Airflow", _READY_SECONDS * self.slowness, self._is_healthy, each=1)
        self.say("Airflow is up")

    def _migrate(self) -> None:
        self._command("db", "migrate")
        user, password = airflow_settings.USER, airflow_settings.secrets_of(self.home)["password"]
        names = ("--firstname", user, "--lastname", user, "--email", f"{user}@localhost")
        options = ("--username", user, "--password", password, "--role", "Admin", *names)
        self._command("users", "create", *options)

    def _command(self, *arguments: str) -> None:
        """Run ``airflow ARGUMENTS`` on the control machine."""
        done = subprocess.run(
            self.network.on(CONTROL, str(VENV / "bin" / "airflow"), *arguments),
            env=self._env("scheduler"),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            words = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise SandboxError(f"airflow {arguments[0]} {arguments[1]}: {words[-1:]}")

    def _start(self, name: str) -> None:
        machine, arguments = ROLES[name]
        command = self.network.on(machine, str(VENV / "bin" / "airflow"), *arguments)
        self.processes.start(name, command, self._env(name), self.place / machine)

    def _env(self, name: str) -> dict[str, str]:
        machine, _ = ROLES[name]
        asks_grid = machine in (*TRIGGERERS, *WORKERS)
        return environment(
            self.network,
            self.place / machine,
            programs=VENV / "bin",
            package=self._packages.get(name, REPOSITORY / "plugins"),
            password=self._password,
            productions=self.productions if machine == CONTROL else None,
            connections={"dirac_default": connection_to(self.grid)} if asks_grid else None,
        )

    def _revive(self) -> None:
        """Start again what has ended by itself, until the stack is taken down."""
        while not self._over.wait(2.0):
            with self._lock:
                for name in sorted(self._wanted):
                    if self.processes.find(name) is None:
                        self.revived[name] += 1
                        self.say(f"{name} has ended: {self.processes.last_word(name)}")
                        self._start(name)

    def _is_healthy(self) -> bool:
        try:
            report = self.rest.health()
            triggerers = len(self.rest.jobs("TriggererJob"))
        except ProdsysError:
            return False
        parts = (report.get("scheduler"), report.get("dag_processor"))
        ready = all("ready." in self._log(name) for name in WORKERS)
        healthy = all((part or {}).get("status") == "healthy" for part in parts)
        return healthy and triggerers == len(TRIGGERERS) and ready

    def _log(self, name: str) -> str:
        try:
            return self.state.log_of(name).read_text(errors="replace")
        except FileNotFoundError:
            return ""


def new_place() -> Path:
    """Make a folder that every user can enter, for PostgreSQL runs as another."""
    place = Path(tempfile.mkdtemp(prefix="dirac-machines-"))
    os.chmod(place, 0o755)  # noqa: S103 (the folders in it are private one by one)
    return place
