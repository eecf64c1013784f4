"""CTAO's rules: how the steps of a production derive queries, metadata and directories.

The rules are those of CTADIRAC 3.1.0 (``ProductionSystem/Client/WorkflowElement.py`` and the job
classes below ``Interfaces/API``), worked out anew as pure functions of tables::

    vocabulary   words of the files and what the catalogue calls them
    configs      the keys of each job type, as closed models
    job_types    one table of the nine job types
    simpipe      the configuration of the simulation pipeline
    settings     what a job is given: ``Common``, then ``job_config``
    inputs       input queries: a dataset, a catalogue query, a parent's output; narrowed
    outputs      output metadata and queries, made of settings and input
    directories  where the output goes
    traces       what a job has left there: of which task and input it is
    feeding      which steps take files of which, whatever the file says
    planning     all of it for one production (draft: a step on its way)
    native       the same for steps of the native form, beside steps of any other type
                 (native_outputs: how these see what such a step leaves; native_runs: run numbers)
    form         the models of CTAO's own form (form_checks: what is wrong before any plan)
    reading      the production that a file of that form describes
    rewriting    a production of CTAO's form written in the native form
    remarks      what a reader should know
    companions   configurations in files beside the production
    places       where in the file that is written which a plan speaks of

Where CTADIRAC accepts what would spoil a production, a mistake is told instead: mandatory keys that
are missing, a dataset beside a parent, conditions that no file of the parent fulfils. Siblings do
not share one query object, parents are found by their ID, and East and West have a ``phiP`` of
their own.

Invariant: for any file that CTADIRAC builds without such a mistake, every transformation equals
what ``cta-prod-submit`` sends, the body to the byte; ``tests/integration`` proves it.
"""
