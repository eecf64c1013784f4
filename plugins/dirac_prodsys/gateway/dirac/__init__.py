"""Implements the backend of a DIRAC grid: DISET, configuration, storage."""

from __future__ import annotations

from dirac_prodsys.gateway.dirac.gateway import DiracGateway, open

__all__ = ["DiracGateway", "open"]
