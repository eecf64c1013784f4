"""Runs one Airflow process, adapted to a small machine with SQLite: ``airflow_process.py NAME``.

Three differences from ``airflow NAME``:

* A task of a production imports Airflow's DAG machinery, this provider with its plugin and
  records, and DIRAC's client: more than two seconds of processor time, for a tenth of that in
  work. LocalExecutor forks its workers from the scheduler, so the scheduler imports all of it
  once, before the first fork.
* The API server writes its audit log in a thread. Airflow 3.3 commits it in the event loop
  (``api_fastapi/logging/decorators.py``) and waits there for SQLite's lock. The holder of the lock
  waits for the event loop: nothing moves until SQLite's lock timeout a minute later.
* Log servers listen on loopback; Airflow's own listen on all interfaces, and no setting changes it.

While a process imports what it will need anyway, its garbage collector rests: nothing of that is
garbage, and to look for some takes a fifth of the start.

Nothing of Airflow's or DIRAC's configuration is touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

#: name of a process -> what its command imports
_COMMANDS = {
    "api-server": "airflow.api_fastapi.main",
    "scheduler": "airflow.jobs.scheduler_job_runner",
    "dag-processor": "airflow.jobs.dag_processor_job_runner",
    "triggerer": "airflow.jobs.triggerer_job_runner",
}
_MODULES = (
    "airflow.dag_processing.dagbag",
    "dirac_prodsys.gateway.dirac",
    "dirac_prodsys.ledger.api",
    "dirac_prodsys.ledger.recorder",
    "dirac_prodsys.provider.bundle",
    # what Airflow imports in each task
    "jinja2.ext",
)
_DIRAC = ("DIRAC.Core.DISET.private.InnerRPCClient", "DIRAC.Interfaces.API.Job")


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """Collect no garbage in the block."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@functools.cache
def import_once() -> None:
    """Import what tasks need."""
    from airflow.sdk.listener import get_listener_manager

    from dirac_prodsys.gateway.dirac_import import import_dirac
    from dirac_prodsys.provider.bundle.warm import warm_up

    with collector_at_rest():
        for module in _MODULES:
            importlib.import_module(module)
        for module in _DIRAC:
            import_dirac(module)
        # loads the plugins
        get_listener_manager()
        warm_up()


def write_audit_log_in_a_thread() -> None:
    """Take the audit log's commit out of the API server's event loop."""
    from airflow.api_fastapi.common.db.common import SessionDep
    from airflow.api_fastapi.core_api.security import GetUserDep
    from airflow.api_fastapi.logging import decorators
    from fastapi import Request

    original = decorators.action_logging

    def action_logging(event: str | None = None) -> Any:
        write = original(event)

        async def log_action(request: Any, session: Any, user: Any) -> None:
            await request.body()  # the request keeps the body: the thread awaits nothing
            await asyncio.to_thread(asyncio.run, write(request, session, user))

        # FastAPI reads these to pass the arguments
        log_action.__annotations__ = {
            "request": Request,
            "session": SessionDep,
            "user": GetUserDep,
        }
        return log_action

    decorators.action_logging = action_logging


def serve_logs_on_loopback() -> None:
    """Let the log server, which is forked from this process, listen on loopback only."""
    from airflow.utils.serve_logs import core

    run = core.uvicorn.run

    def on_loopback(app: Any, **options: Any) -> None:
        run(app, **{**options, "host": "127.0.0.1"})

    core.uvicorn = SimpleNamespace(run=on_loopback)


def main() -> None:
    name = sys.argv[1]
    sys.path.pop(0)  # the folder of this file
    sys.argv[0] = "airflow"
    with collector_at_rest():
        import airflow.__main__

        if name == "scheduler":
            os.register_at_fork(before=import_once)
        if name in ("scheduler", "triggerer"):
            serve_logs_on_loopback()
        if name == "api-server":
            write_audit_log_in_a_thread()
        importlib.import_module(_COMMANDS[name])
    airflow.__main__.main()


if __name__ == "__main__":
    main()
