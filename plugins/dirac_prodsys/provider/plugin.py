"""Registers our operator links with every component of Airflow.

Invariant: importing this touches neither DIRAC, nor a connection, nor a file: every Airflow
process does it at start.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from dirac_prodsys.provider.links import TransformationLink


class DiracProdsysPlugin(AirflowPlugin):
    """DIRAC productions in Airflow."""

    name = "dirac_prodsys"
    operator_extra_links: ClassVar[list[Any]] = [TransformationLink()]
