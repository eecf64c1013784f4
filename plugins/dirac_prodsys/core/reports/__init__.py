"""Reports on jobs and runs: results, progress, and how a step stands."""
