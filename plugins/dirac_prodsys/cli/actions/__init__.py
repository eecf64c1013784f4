"""Provides people's actions as subcommands, over Airflow's REST API."""
