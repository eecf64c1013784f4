"""``dirac-prodsys``: what a person asks of a production file or of the grid.

Invariant: nothing here imports Airflow, and ``lint``, ``plan`` and ``graph`` import no DIRAC
either: they answer from the file alone, on any machine, before anything is deployed.
"""
