"""The one file that Airflow's plugin loader executes; everything else is imported by name."""

from __future__ import annotations

from dirac_prodsys.provider.plugin import DiracProdsysPlugin

__all__ = ["DiracProdsysPlugin"]
