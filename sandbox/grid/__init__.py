"""A real DIRAC grid on this machine: database, services, agents."""

from __future__ import annotations

from sandbox.grid.grid import Grid

__all__ = ["Grid"]
