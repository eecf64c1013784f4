"""Runs the whole demo in one command: ``python -m sandbox.demo``."""
