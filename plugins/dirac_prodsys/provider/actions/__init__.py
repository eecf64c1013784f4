"""The DAG of people's actions."""
