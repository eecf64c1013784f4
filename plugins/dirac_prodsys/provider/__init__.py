"""Room 3: everything Airflow sees, and the only folder that imports Airflow.

Invariant: nothing here decides. The plan says what to create, the policy says what to do, the
gateway does it; operators, sensor and trigger only carry the words between them and Airflow.
"""
