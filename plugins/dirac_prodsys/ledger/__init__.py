"""Keeps the ledger: the lasting record of what productions did, in a SQL database.

::

    recorder              what a task writes to: the spool first, then the database
    delivery              carries records from the spool to the database, in order, each once
    spool                 records on disk until they are delivered
    api                   the other way to the database: the plugin route of Airflow's API server
    history  export       what people ask: runs, records, files for other programs
    store                 writes and reads records
    database              opens a database by its URL, and brings its tables up to date
    migrations/  tables   its tables

The records themselves are values of ``core/reports/ledger``.

Invariant: append-only, except for retention: no record is ever changed. Whatever happens to the
ledger, no production waits for it, or fails with it.
"""
