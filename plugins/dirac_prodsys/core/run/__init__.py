"""Describes a run of a plan: the shape of its DAG, fresh starts, end, approval, registry entry."""
