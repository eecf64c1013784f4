"""Runs of productions on a sandbox, watched."""
