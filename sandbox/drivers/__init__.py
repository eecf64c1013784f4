"""The programs that the grid's processes run; each is started as ``python -m sandbox.drivers.X``.

They hold DIRAC's own handlers, agents and executors, unmodified, and change only what a single
machine needs: loopback sockets, short waits, no control groups.
"""
