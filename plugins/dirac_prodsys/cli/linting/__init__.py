"""Reads files for ``lint`` and formats the findings."""
