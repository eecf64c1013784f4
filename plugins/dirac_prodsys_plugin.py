"""Registers the plugin: the one file that Airflow's plugin loader executes."""

from __future__ import annotations

from dirac_prodsys.provider.plugin import DiracProdsysPlugin

__all__ = ["DiracProdsysPlugin"]
