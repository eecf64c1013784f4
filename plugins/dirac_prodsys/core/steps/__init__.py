"""Turns one step into one transformation: input, output, links, shape, draft."""
