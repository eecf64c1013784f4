"""Defines the parts of a rehearsal as values: stand-in jobs, example inputs, smaller run, report.

A rehearsal is a run of the real DAG on a grid of its own. Only the programs of the jobs differ:
they write small files. Everything that decides which files a step takes is the production's own:
queries, group sizes, plugins, metadata, datasets.

Invariant: nothing here runs anything; the sandbox does, and the gateway ``rehearsal``.
"""

from __future__ import annotations
