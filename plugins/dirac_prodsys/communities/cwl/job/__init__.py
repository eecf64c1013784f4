"""Defines the job type that runs a process of CWL, and the program that does it on a worker."""
