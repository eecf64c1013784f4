"""What all tasks share, and the tasks of loops, gates, the registry, the end and the report."""
