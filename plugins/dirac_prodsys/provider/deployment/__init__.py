"""Reads what the deployment says: the site's file, and the settings of Airflow for doctor."""
