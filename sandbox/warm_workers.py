"""Workers that have imported what every task imports, before they are forked.

A task of a production needs Airflow's DAG machinery, this provider and DIRAC's client: more than
two seconds of processor time on a small machine, for work of a tenth of that. LocalExecutor forks
its workers from the scheduler, so the scheduler imports all of it once.

Invariant: nothing is configured here and DIRAC is not initialised; a task finds what it would have
imported itself.
"""

from __future__ import annotations

from pathlib import Path

_SETTINGS = '''\
"""Import once what every task imports; see sandbox/warm_workers.py."""

import os
import sys

__all__ = []

_PRODUCTION = """
version: 1
production: {name: warm, vo: sim}
steps:
  make: {type: MCSimulation, tasks: 1, job: {type: script, executable: "true"}}
"""


def _import_once(done=[]):
    if done:
        return
    done.append(True)
    import airflow.dag_processing.dagbag
    import dirac_prodsys.gateway.dirac
    import dirac_prodsys.provider.bundle
    from dirac_prodsys.core.dialects import load_production
    from dirac_prodsys.gateway.dirac_import import import_dirac
    from dirac_prodsys.provider.dag_builder import build_dag

    build_dag(load_production(_PRODUCTION, "warm"))
    for module in ("Core.DISET.private.InnerRPCClient", "Interfaces.API.Job"):
        import_dirac(f"DIRAC.{module}")


if "scheduler" in sys.argv[1:2]:
    os.register_at_fork(before=_import_once)
'''


def write(home: Path) -> None:
    """Put the file into an Airflow home in which Airflow looks for settings in Python."""
    folder = home / "config"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "airflow_local_settings.py").write_text(_SETTINGS)
