"""Reports to others what tasks do: numbers to Airflow's metrics, records to the ledger."""
