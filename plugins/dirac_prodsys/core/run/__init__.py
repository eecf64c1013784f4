"""A run of a plan: the shape of its DAG, fresh starts, its end, approval, registry entry."""
