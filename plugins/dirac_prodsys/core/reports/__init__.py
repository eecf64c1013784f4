"""What came of jobs and of a run, how far it is, and what people are told."""
