"""Holds what all tasks share, and the tasks of loops, gates, registry, run end and report."""
