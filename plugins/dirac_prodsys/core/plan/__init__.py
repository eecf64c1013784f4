"""Turns a production into its plan: compile, loops, values, and what is refused."""
