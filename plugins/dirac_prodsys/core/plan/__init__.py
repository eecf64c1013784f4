"""A production to its plan: compile, loops, values, and what is refused."""
