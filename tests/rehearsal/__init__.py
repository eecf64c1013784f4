"""Rehearsals from the command line: each brings its own grid and its own Airflow."""

from __future__ import annotations
