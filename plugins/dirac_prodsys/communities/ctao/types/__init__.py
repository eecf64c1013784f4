"""Defines the job types of CTAO, their keys and their words, as tables."""
