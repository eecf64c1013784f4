"""Defines what a step waits for before it starts, and conditions on numbers in small files."""
