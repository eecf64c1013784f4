"""Room 1, pure: what is asked of the grid, and what to make of its answers.

Invariant: nothing below imports Airflow, DIRAC, a clock, the environment or does I/O, so that every
decision can be tested as a function call.
"""
