"""Handles files that stay behind: rules, decisions, the ledger, and inconsistencies."""
