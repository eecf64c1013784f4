"""What is sent to the grid and what it says, as values: specs, states, snapshots, jobs."""
