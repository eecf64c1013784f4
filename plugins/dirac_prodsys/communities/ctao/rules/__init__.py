"""Derives queries, metadata, directories and order from a job and its input."""
