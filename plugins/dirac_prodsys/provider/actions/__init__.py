"""Defines the DAG of people's actions."""
