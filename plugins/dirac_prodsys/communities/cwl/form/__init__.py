"""Reads a workflow of CWL as a production, and writes a production as a workflow."""
