"""Runs Airflow on several machines: each a network namespace of this one, with files of its own.

PostgreSQL, Redis, an object store, CeleryExecutor and FAB, as sites have them. Needs root, for the
namespaces, and the environment that ``scripts/setup-machines`` makes.

Map::

    stack       who runs where, start to end; accidents
    settings    the environment of the processes of a machine
    servers     PostgreSQL, Redis and the object store
    grid        a DIRAC grid on a machine of its own
    network     the machines, the cables between them, and cutting these
"""
