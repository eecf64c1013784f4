"""The whole road in one command: ``python -m sandbox.demo``."""
