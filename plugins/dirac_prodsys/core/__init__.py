"""Makes the decisions, without I/O: what to ask of the grid, and what its answers mean.

The folders build on each other; each line imports only lines below it
(``tests/unit/test_rooms.py``)::

    proof/       finds what is probably not meant: checks, findings and their codes, origins
    reports/     reports on jobs and runs: results, progress, the state of a step in one line;
                 ledger/: what the lasting record holds, as values
    doctor/      what is wrong with a grid and an Airflow: facts, then checks
    site/        what the deployment allows: to authors of files, and to people who act
    dialects/    text to Production: the native form here, others in their community
    run/         a run of a plan: the shape of its DAG, fresh starts, its end, approval, registry
    rehearsal/   a smaller run with stand-in jobs         pictures/  a plan as a picture
    plan/        Production to ProductionPlan: compile, loops, values, what is refused, comparison
    steps/       one step to one transformation: input, output, links, shape, draft
    language/    the native form's short forms written out; its models, schema and reference
    production/  what a user asks for, as closed models
    actions/     what people may do to running productions
    policy/      snapshot + rules + history to verdict, and what people are notified about
    recovery/    files that stay behind: rules, decisions, ledger, inconsistencies
    job_types/   what tasks do: script, request, and those of communities
    gates/       what a step waits for before it starts; conditions on numbers in small files
    grid/        what the grid is sent and answers, as values: specs, states, snapshot, jobs
    query/       MetaQuery and its algebra, and how the catalogue's database treats values
    text/        YAML text to data with places and back; wording
    naming, models                   names of what is made; what all models share
    problems, limits, community      mistakes by path; widths of DIRAC's tables; communities' offers

Invariant: nothing here imports Airflow, DIRAC, a clock, the environment or does I/O, so that every
decision can be tested as a function call.
"""
