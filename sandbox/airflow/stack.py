"""Runs a whole Airflow on one machine: API server, scheduler, DAG processor and triggerer.

Four processes as on a site, each in its own process group, on a database that is kept between
starts.

Invariant: `up` ends with all four healthy by their own heartbeat, or with nothing running; `down`
leaves no process, whatever state the stack is in.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from dirac_prodsys.errors import ProdsysError
from sandbox import ports
from sandbox.airflow.home import AirflowHome
from sandbox.airflow.rest import until
from sandbox.configuration.environment import VENV_BIN
from sandbox.errors import SandboxError

#: The processes, each by the name of Airflow's command.
PROCESSES = ("api-server", "scheduler", "dag-processor", "triggerer")
#: Process -> the name of the port on which it listens. Scheduler and triggerer open a log server
#: each; through these the API server reads the logs of tasks that run or wait.
_LISTENS = {"api-server": "airflow", "scheduler": "worker-logs", "triggerer": "trigger-logs"}
#: Process -> its name in the API server's health report, and the key of its last heartbeat there.
_HEALTH = {
    "scheduler": ("scheduler", "latest_scheduler_heartbeat"),
    "dag-processor": ("dag_processor", "latest_dag_processor_heartbeat"),
    "triggerer": ("triggerer", "latest_triggerer_heartbeat"),
}
_DRIVER = "sandbox/drivers/airflow_process.py"
_READY_SECONDS = 180.0
_SECOND = "triggerer-2"


class AirflowStack(AirflowHome):
    """The four processes of one Airflow home; use as a context manager, or by `up` and `down`."""

    # -- life ---------------------------------------------------------------------------------

    def up(self) -> bool:
        """Start those of the four that do not run, and wait until all are healthy.

        :returns: False if nothing had to be started.
        :raises SandboxError: reason and log; nothing is left running then.
        """
        started = self.launch()
        self.wait_healthy()
        return started

    def launch(self) -> bool:
        """Do the first half of `up`: start, do not wait.

        :returns: False if nothing had to be started.
        :raises SandboxError: as `up`.
        """
        self._prepare()
        missing = [name for name in PROCESSES if self.processes.find(name) is None]
        if not missing:
            return False
        with self._all_or_nothing():
            chosen = self.ports
            wanted = [_LISTENS[name] for name in missing if name in _LISTENS]
            ports.demand_free(self.state, {port: chosen[port] for port in wanted})
            self._migrate()
            self._start(missing)
        return True

    def wait_healthy(self) -> None:
        """Do the second half of `up`. :raises SandboxError: as `up`."""
        with self._all_or_nothing():
            self._wait_healthy()

    def down(self) -> None:
        """End all four with everything they started; the database and the logs stay."""
        self._close_session()
        # at once: each takes some seconds to end
        with ThreadPoolExecutor(len(PROCESSES)) as pool:
            list(pool.map(self.processes.stop, PROCESSES))
        self.processes.sweep()

    def __enter__(self) -> AirflowStack:
        self.up()
        return self

    def __exit__(self, *_raised: object) -> None:
        self.down()

    # -- accidents ----------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """Send SIGKILL to one of the four and everything in its group: nothing can clean up."""
        process = self.processes.find(name)
        if process is None:
            raise SandboxError(f"{name} is not running")
        family = process.children(recursive=True)
        os.killpg(process.pid, signal.SIGKILL)
        psutil.wait_procs([process, *family], timeout=10)
        self.processes.stop(name)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Freeze one of the four and all it started (SIGSTOP) in the block: a stalled host."""
        process = self.processes.find(name)
        if process is None:
            raise SandboxError(f"{name} is not running")
        stalled = [process, *process.children(recursive=True)]
        for each in stalled:
            each.suspend()
        try:
            yield
        finally:
            for each in stalled:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.resume()

    @contextlib.contextmanager
    def second_triggerer(self) -> Iterator[None]:
        """Run another triggerer beside the first while the block lasts, as on two hosts."""
        before = len(self.rest.jobs("TriggererJob"))
        # on one host, the log server of the first serves the logs of both
        command = [*self._airflow, "triggerer", "--skip-serve-logs"]
        self._children[_SECOND] = self.processes.start(_SECOND, command, self.env(), self.home)
        try:
            until(
                "a second triggerer",
                _READY_SECONDS,
                lambda: len(self.rest.jobs("TriggererJob")) > before,
                each=0.5,
            )
            yield
        finally:
            self.processes.stop(_SECOND)

    def restart(self, name: str) -> None:
        """Stop one of the four if it runs, start it, and wait until it is healthy."""
        self.processes.stop(name)
        self._start([name])
        self._wait_healthy()

    def worker(self, dag_id: str, run_id: str, task_id: str) -> psutil.Process | None:
        """Return the process that runs a task now, or None.

        Its parent is the executor's worker that supervises it.
        """
        task = self.rest.task_instances(dag_id, run_id).get(task_id) or {}
        scheduler = self.processes.find("scheduler")
        if task.get("state") != "running" or not task.get("pid") or scheduler is None:
            return None
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(task["pid"])
            # never a process of another stack
            if scheduler in process.parents():
                return process
        return None

    def started(self, name: str) -> float:
        """Return when one of the four was started, Unix time.

        :raises SandboxError: it is not running.
        """
        handle = self.processes.handle(name)
        if handle is None:
            raise SandboxError(f"{name} is not running")
        return handle.started

    # -- inside -------------------------------------------------------------------------------

    @property
    def _airflow(self) -> list[str]:
        return [str(VENV_BIN / "python"), str(self.code / _DRIVER)]

    @contextlib.contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.down()
            raise

    def _start(self, names: Sequence[str]) -> None:
        self._close_session()
        environment = self.env()
        for name in names:
            command = [*self._airflow, name]
            self._children[name] = self.processes.start(name, command, environment, self.home)

    def _wait_healthy(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while unhealthy := self._unhealthy():
            for name in unhealthy:
                self._demand_alive(name)
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"Airflow's {unhealthy[0]} is not healthy after {_READY_SECONDS:.0f} s",
                    log=self.state.log_of(unhealthy[0]),
                )
            time.sleep(0.2)

    def _demand_alive(self, name: str) -> None:
        child = self._children.get(name)
        code = child.poll() if child else None
        if code is not None or self.processes.find(name) is None:
            ended = "ended" if code is None else f"ended with code {code}"
            raise SandboxError(
                f"Airflow's {name} {ended}: {self.processes.last_word(name)}",
                log=self.state.log_of(name),
            )

    def _unhealthy(self) -> list[str]:
        """Return those without a heartbeat since they were started."""
        try:
            report = self.rest.health()
        except ProdsysError:
            return list(PROCESSES)
        return [name for name in _HEALTH if not self._healthy(name, report)]

    def _healthy(self, name: str, report: Mapping[str, Any]) -> bool:
        key, heartbeat = _HEALTH[name]
        component = report.get(key) or {}
        last = component.get(heartbeat)
        handle = self.processes.handle(name)
        if component.get("status") != "healthy" or not last or handle is None:
            return False
        # a heartbeat of its predecessor does not count
        return datetime.datetime.fromisoformat(last).timestamp() >= handle.started
