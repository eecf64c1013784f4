"""Shows what the ledger holds: ``dirac-prodsys history``; and makes room in it."""
