"""Looks at a grid from outside: one RPC to every service, one row for every process.

Invariant: looking changes nothing, and works on a grid in any state.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

import psutil

from sandbox.configuration import environment, files
from sandbox.configuration.profiles import PROFILES
from sandbox.grid.mariadb import NAME as MARIADB
from sandbox.grid.mariadb import MariaDB
from sandbox.process import Processes
from sandbox.state import State


def probe(state: State, seconds: float) -> dict[str, Any]:
    """Make one authenticated RPC to every service, from a separate process.

    :returns: service -> {"ready": bool, "ms": float, "error": str}; empty if not even the
        Configuration Server answers within ``seconds``.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sandbox.drivers.probe"],
            env=environment.client(state, "prodmgr", "sim_prod"),
            cwd=environment.REPOSITORY,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}
    state.log_of("probe").write_text(done.stdout + done.stderr)
    lines = done.stdout.strip().splitlines()
    try:
        answers: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    except json.JSONDecodeError:
        return {}
    return answers


def status(processes: Processes, mariadb: MariaDB) -> dict[str, Any]:
    """Return everything that ``python -m sandbox status`` shows, as plain data."""
    state = processes.state
    facts = state.read("grid")
    rows = [_row(processes, name) for name in processes.names()]
    alive = [row for row in rows if row["state"] != "dead"]
    answers = probe(state, 20.0) if alive else {}
    kept = state.read("ports")
    services = {
        service: {
            "port": kept.get(service),
            **answers.get(service, {"ready": False, "error": "no answer"}),
        }
        for service in (PROFILES[facts["profile"]].services if alive and facts else ())
    }
    ready = bool(services) and all(item["ready"] for item in services.values())
    return {
        "state": str(state.root),
        "profile": facts.get("profile") if alive else None,
        "up": ready and len(alive) == len(rows) and mariadb.answers(),
        "processes": rows,
        "services": services,
        "mariadb_port": kept.get(MARIADB),
        "client_cfg": str(state.client_cfg),
        "env": files.client_environment(state, "prodmgr", "sim_prod"),
    }


def _row(processes: Processes, name: str) -> dict[str, Any]:
    log = str(processes.state.log_of(name))
    row: dict[str, Any] = {"name": name, "state": "dead", "log": log}
    process = processes.find(name)
    if process is None:
        return row
    with contextlib.suppress(psutil.Error):
        family = [process, *process.children(recursive=True)]
        listening = {
            connection.laddr.port
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        frozen = process.status() == psutil.STATUS_STOPPED
        row |= {
            "state": "frozen" if frozen else "running",
            "pid": process.pid,
            "started": process.create_time(),
            "ports": sorted(listening),
            "children": len(family) - 1,
            "rss_mib": round(sum(member.memory_info().rss for member in family) / 2**20, 1),
        }
    return row
