"""One production YAML becomes one Airflow DAG of DIRAC transformations.

From text to dataset; each stage is one value that can be printed, tested and compared::

    text -> Production -> ProductionPlan -> DAG -> grid -> dataset

It has six packages, and imports point only to the left::

    errors <- core <- gateway, ledger <- provider
               ^         ^       ^
               +-- cli --+-------+   communities: found by name, import core and the gateway's
                                     contract

* ``errors``    the one error tree: every error has a reason and a hint, and a place where there
                is one.
* ``core``      pure: the production model, the meta-query algebra, the plan, the policy. No
                Airflow, no DIRAC, no clock, no environment. Its docstring is the map.
* ``gateway``   the only access to the grid: one Protocol, the DIRAC adapter, the in-memory grid.
* ``ledger``    the lasting record of what productions did, in a SQL database; its spool on disk.
* ``provider``  the only folder that imports Airflow: hook, operators, sensor, trigger, bundle, DAG.
* ``cli``       ``dirac-prodsys``: what a person asks without Airflow.
* ``communities``  one folder for each: its form of files, job types, rules and job bodies.

Read next: ``core/plan/compile.py``, ``core/policy/``, ``gateway/protocol.py``.
"""

from __future__ import annotations

__version__ = "0.1.0"
