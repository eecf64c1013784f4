"""Runs a real DIRAC grid on this machine: database, services, agents."""
