"""Implements CTAO: its form, its jobs, and how steps derive queries, metadata and directories.

The rules are those of CTADIRAC 3.1 and 3.3 (``ProductionSystem/Client/WorkflowElement.py`` and the
job classes below ``Interfaces/API``), rewritten as pure functions of tables::

    types/    vocabulary   words of the files and their names in the catalogue
              configs      the keys of each job type, as closed models
              job_types    one table of the nine job types, and the same for the native form
              settings     what a job is given: ``Common``, then ``job_config``
              lines        texts that no job may hold
    rules/    inputs       input queries: a dataset, a catalogue query, a parent's output; narrowed
              outputs      output metadata and queries, made of settings and input
              simpipe      the configuration of the simulation pipeline
              directories  the directories of the output, and what a rehearsal leaves there
              traces       the task and input of the files that a job has left there
              feeding      which step feeds which, whatever the file says
              derivation   all of it for one production, in either form (draft: a step before its
                           plan)
              planning     what only CTAO's own form says
              native       what only the native form says, next to steps of any other type
              origins      the source of a condition of an output
              dataset_names  CTAO's conventions for names of datasets
              remarks      what a reader should know
              task_plugins how its own plugins group files
              grid_checks  what doctor checks of a grid for CTAO
              summary_columns  the columns of the page that reports its datasets; showers of a file
    form/     form         the models of CTAO's own form (checks: mistakes found before any plan)
              dialect      recognises a file of that form
              reading      the production that a file of that form describes
              rewriting    a production of CTAO's form written in the native form; the same file
                           with fewer tasks
              companions   configurations in other files of the folder
              places       the place in the file for a path in the plan
    body      the workflow of a job, rendered by CTADIRAC (words: the same in words)

Where CTADIRAC accepts what would spoil a production, a mistake is reported instead: missing
mandatory keys, a dataset beside a parent, conditions that no file of the parent fulfils. Siblings
do not share one query object, parents are found by their ID, and East and West have their own
``phiP``.

Invariant: for any file that CTADIRAC builds without such a mistake, every transformation equals
what ``cta-prod-submit`` sends, the body to the byte; ``tests/integration`` proves it.
"""

from __future__ import annotations

from dirac_prodsys.core.community import Community

_HERE = "dirac_prodsys.communities.ctao"

COMMUNITY = Community(
    name="ctao",
    title="CTAO",
    form_keys=("ProdSteps", "Common"),
    dialect=f"{_HERE}.form.dialect",
    plan_steps=f"{_HERE}.rules.planning:plan_steps",
    native_form=f"{_HERE}.form.rewriting:native_form",
    tasks_hint="say it under prodsys.steps, which cta-prod-submit passes over",
    catalogue_words=f"{_HERE}.types.vocabulary:in_catalogue_words",
    catalogue_fields=f"{_HERE}.types.vocabulary:CATALOGUE_FIELDS",
    task_plugins=f"{_HERE}.rules.task_plugins:PLUGINS",
    smaller=f"{_HERE}.form.rewriting:with_tasks",
    run_field="runNumber",
    dataset_names=f"{_HERE}.rules.dataset_names:CONVENTIONS",
    template=f"{_HERE}:template.yaml",
    job_types=f"{_HERE}.types.job_types:JOB_TYPES",
    job_base=f"{_HERE}.types.configs:JobConfig",
    job_words="Keys of every `ctao:` job; a key that is set on the job class is CTADIRAC's own.",
    derive=f"{_HERE}.rules.native:derive",
    origin=f"{_HERE}.rules.origins:origin",
    body=f"{_HERE}.body:render",
    wms_type=f"{_HERE}.types.job_types:wms_type",
    plan_rows=f"{_HERE}.words:rows",
    traces=f"{_HERE}.rules.traces",
    stand_in=f"{_HERE}.rules.directories:stand_in",
    grid_checks=f"{_HERE}.rules.grid_checks:CHECKS",
    events_per_file=f"{_HERE}.rules.summary_columns:events_per_file",
    summary_columns=f"{_HERE}.rules.summary_columns:COLUMNS",
    rules=(
        (
            "ctadirac-differs",
            "warning",
            "For this part of CTAO's form, CTADIRAC does something else, or fails.",
        ),
        (
            "ctao-runs-mix",
            "note",
            "CTAO's metadata know no run: a second run takes the files of the first.",
        ),
    ),
    runs_mix="ctao-runs-mix",
)
