"""Turns the drop-in folder into what Airflow reads: the Dag bundle."""

from __future__ import annotations

from dirac_prodsys.provider.bundle.bundle import ProductionsDagBundle

__all__ = ["ProductionsDagBundle"]
