"""The Dag bundle: from the drop-in folder to what Airflow reads."""

from __future__ import annotations

from dirac_prodsys.provider.bundle.bundle import ProductionsDagBundle

__all__ = ["ProductionsDagBundle"]
