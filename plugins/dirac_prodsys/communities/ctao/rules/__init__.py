"""What follows from a job and its input: queries, metadata, directories, order."""
