"""Runs a real Airflow on this machine: its home, settings, processes and REST API."""
