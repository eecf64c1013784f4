"""Register the plugin: the one file that Airflow's plugin loader executes.

Airflow finds the plugin of an installed package by its entry point, and reports a plugin that it
finds twice as an error. So this file offers the plugin only where the package is not installed.
"""

from __future__ import annotations

from importlib.metadata import EntryPoints, PackageNotFoundError, distribution


def _entry_points() -> EntryPoints:
    """Return those of our package: each task runs this, and a site has hundreds of packages."""
    try:
        return distribution("dirac-prodsys").entry_points
    except PackageNotFoundError:
        return EntryPoints()


if not _entry_points().select(group="airflow.plugins", name="dirac_prodsys"):
    from dirac_prodsys.provider.plugin import DiracProdsysPlugin  # noqa: F401
