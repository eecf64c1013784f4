"""Combines several verbs, for tasks and the command line alike; no Airflow."""
