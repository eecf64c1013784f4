"""The page in a real browser, inside the real shell of Airflow's UI, with answers from files."""
