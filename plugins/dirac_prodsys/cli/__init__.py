"""Provides ``dirac-prodsys``, by which a person asks about a production file or the grid.

Invariant: nothing here imports Airflow. ``lint``, ``plan`` and ``graph`` import no DIRAC either:
they answer from the file alone, on any machine, before anything is deployed.
"""
