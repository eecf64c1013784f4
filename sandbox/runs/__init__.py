"""Watches runs of productions on a sandbox."""
