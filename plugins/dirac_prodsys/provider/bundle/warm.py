"""Loads code once in the parent of all parses, so that no parse loads it anew.

Airflow's DAG processor forks a process for each file and each parse. What that process loads is
lost with it, so the manager, from which it is forked, loads it before. Airflow does this for its
own modules that a file names; the bundle runs in the manager, and does it for ours. The DAG of one
production and that of people's actions are built and serialised there, because much is made at the
first time only. Then the garbage collector is set to skip all of it: otherwise its marks would make
the kernel copy the shared memory for each process.

Invariant: nothing of a user is executed here: the production is one of our own. A failure here
costs time in the parses, and nothing else.
"""

from __future__ import annotations

import functools
import gc
import importlib
import logging
import sys
from collections.abc import Iterable

log = logging.getLogger(__name__)

#: a production with the tasks that most productions have
_PRODUCTION = """
version: 1
production: {name: warm, vo: sim}
steps:
  make:
    type: MCSimulation
    tasks: 1
    job: {type: script, executable: "true"}
    output:
      directory: /sim/warm/${{ run }}
      se: DISK-A-SE
      metadata: {run: "${{ run }}"}
      files: ["made_@{JOB_ID}"]
  merge:
    type: Merging
    input: {from: make}
    job: {type: script, executable: "true"}
"""


@functools.cache
def warm_up() -> None:
    """Load what building DAGs needs, and build two; only the first call does anything."""
    try:
        from airflow.serialization.serialized_objects import DagSerialization

        from dirac_prodsys.core.dialects import load_production
        from dirac_prodsys.provider.actions.dag import actions_dag
        from dirac_prodsys.provider.dag_builder import build_dag

        for dag in (build_dag(load_production(_PRODUCTION, "warm.yaml")), actions_dag()):
            DagSerialization.to_dict(dag)
    except Exception:
        log.warning("nothing is loaded ahead: each parse of a DAG costs more", exc_info=True)
    _share()


def load(modules: Iterable[str]) -> None:
    """Load also these modules, in this order; skip those that cannot be loaded."""
    missing = [name for name in modules if name not in sys.modules]
    for name in missing:
        try:
            importlib.import_module(name)
        except Exception:
            log.debug("%s is not loaded ahead", name, exc_info=True)
    if missing:
        _share()


def _share() -> None:
    """Keep the present objects unchanged in memory, in processes that are forked from here."""
    gc.collect()
    gc.freeze()
