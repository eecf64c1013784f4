"""One step to one transformation: what it takes, what it leaves, links, shape, draft."""
