"""Reports on jobs and runs: results, progress, and what people are notified about."""
