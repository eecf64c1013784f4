"""A production goes on whatever happens to one of the machines on which Airflow runs."""
