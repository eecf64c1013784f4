"""Defines what the ledger holds, as values, and which counts over time it keeps."""
