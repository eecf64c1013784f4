"""Finds what is wrong with a grid and an Airflow before a production meets it."""
