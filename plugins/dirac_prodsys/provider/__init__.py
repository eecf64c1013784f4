"""Everything that Airflow sees; the only package that imports Airflow.

::

    bundle/               the drop-in folder to what Airflow reads
    dag_builder           a plan to its DAG
    actions/              the DAG of people's actions
    operators  sensors    the acts of a step, and its wait
    tasks/                what all tasks share; gates, loops, registry, end and report of a run
    triggers  gate_trigger    waiting without a worker
    people/  waiting/     approval, questions, notices, parameters; poller, log and state of a wait
    hook  links  assets  site  plugin  provider_info

The classes of triggers, the bundle, operators and sensors are named in Airflow's database and in
sites' settings: they stay importable where they are.

Invariant: nothing here decides. The plan says what to create, the policy says what to do, the
gateway does it; operators, sensor and trigger only carry the words between them and Airflow.
"""
