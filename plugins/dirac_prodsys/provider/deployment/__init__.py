"""Holds what the package offers Airflow, and reads the site's file and the settings of Airflow."""
