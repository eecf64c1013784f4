"""Defines what the grid is sent and what it answers, as values: specs, states, snapshots, jobs."""
