"""Reads, checks and rewrites the files of ``cta-prod-submit``."""
