"""Runs a real DIRAC grid on one machine, for rehearsal, demo and tests; not used by the plugin.

::

    from sandbox import Grid

    with Grid("/some/folder", profile="light") as grid:         # up() ... down()
        subprocess.run([...], env=grid.env(user="prodmgr", group="sim_prod"))
        grid.client_cfg, grid.proxy("prodmgr", "sim_prod")      # what a connection names
        grid.stop_service("Transformation/TransformationManager")   # needs separate=[...]
        grid.start_service("Transformation/TransformationManager")
        grid.freeze("mariadb"); grid.thaw("mariadb")            # SIGSTOP, SIGCONT
        grid.restart_mariadb(away_seconds=5)
    grid.wipe()                                                 # removes the data as well

Map::

    demo/  rehearsal/   what people start: the demo; rehearsals of productions and upgrades
    runs/               runs of productions on a sandbox, watched
    airflow/            an Airflow next to it: home, settings, processes, REST API; on many machines
    grid/               joins the parts; database, programs, seeding, outages, inspection
    drivers/            run in the grid's and Airflow's processes
    configuration/      what runs and who exists, as data, and the files that DIRAC reads
    ports  process  state  errors
"""

from __future__ import annotations

from sandbox.errors import SandboxError
from sandbox.grid.grid import Grid

__all__ = ["Grid", "SandboxError"]
