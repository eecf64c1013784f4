"""Connects the core and the gateway to Airflow; the only package that imports Airflow.

::

    bundle/               the drop-in folder to what Airflow reads
    dag_builder           a plan to its DAG
    actions/              the DAG of people's actions
    operators  sensors    the acts of a step, and its wait
    tasks/                what all tasks share; gates, loops, registry, end and report of a run
    triggers  gate_trigger    waiting without a worker
    people/  waiting/     approval, questions, notices, parameters; poller, log and state of a wait,
                          schedule of a DAG, watcher of the catalogue
    deployment/           what the package offers Airflow, the site's file, facts for doctor
    page/                 the production page: what the API server shows of productions
    addresses/            portal links, datasets as assets
    hook  plugin
    reporting/            numbers for Airflow's metrics, records for the ledger

Airflow's database and the settings of sites name the classes of triggers, the bundle, operators
and sensors: these classes must stay importable where they are.

Invariant: nothing here decides. The plan says what to create, the policy says what to do, the
gateway does it. Operators, sensor and trigger only pass this between them and Airflow.
"""
