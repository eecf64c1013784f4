"""Holds the programs of the grid's processes; each is started as ``python -m sandbox.drivers.X``.

They run DIRAC's own handlers, agents and executors, unmodified, and change only what a single
machine needs: loopback sockets, short waits, no control groups.
"""
