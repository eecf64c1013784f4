"""Files that stay behind: rules, decisions, the ledger, and what does not fit together."""
