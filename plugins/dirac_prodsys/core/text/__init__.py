"""Reads YAML text as data with places, and writes it; names characters and words messages."""
