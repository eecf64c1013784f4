"""Implements the backend without a grid: the same verbs on a grid in memory."""

from __future__ import annotations

from dirac_prodsys.gateway.memory.gateway import MemoryGateway, forget, open, register

__all__ = ["MemoryGateway", "forget", "open", "register"]
