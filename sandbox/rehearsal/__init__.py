"""Rehearsals of productions: ``python -m sandbox.rehearsal``."""
