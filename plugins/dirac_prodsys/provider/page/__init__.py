"""Shows productions inside Airflow's user interface."""
