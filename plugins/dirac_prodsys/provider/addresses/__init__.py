"""Names things for Airflow and people: transformations in the portal, datasets as assets."""
