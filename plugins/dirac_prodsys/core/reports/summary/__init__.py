"""Makes the table of datasets that a site publishes, from records of the ledger."""
