"""Rehearses productions: ``python -m sandbox.rehearsal``."""
