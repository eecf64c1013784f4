"""From a production to its DAG: one TaskGroup per step, two kinds of edge between steps.

::

    every create ──> created ──> every start          nothing runs before all of it exists
    created ──> register ──> registered ──> every start      in DIRAC's registry, or not
    parent.create ──> child.create                    in the order of the graph
    parent.complete ──> child.settle                  only then can a child's input be final
    parent.complete ──> child.start                   steps with ``start: on_complete``
    other.complete ──> step.start                     steps that name others under ``after``
    parent.start ──> child.ready ──> child.start      steps with ``start: {at: 10%}``
    approve ──> every create                          a production with an approval
    step.approve ──> step.start                       a step with one: the last thing before it
    step.wait_for ──> step.start                      before that, what it waits for
    step.wait_for ──> step.create                     where that is the dataset that it takes
    step.create ──> step.register ──> step.start      where it is created under way, see ``loops``

    begin ──> every root; every leaf ──> on_cancel    the run's end, whatever way it comes
                          every leaf ──> outcome      what is said of the run
    both ──> report                                   however the run ends

    a step:  create ─> start ─> [settle ─> flush ─>] process ─> complete [─> dataset]

``settle`` and ``flush`` are for types with input whose policy flushes by itself.

Invariant: the same text gives the same serialised DAG, whenever and wherever it is built, so that
Airflow sees a new version only when the production changed. Nothing here touches the grid or a
connection, and no string of a user is rendered as a template.

A DAG is not paused when it appears: it has no schedule, so nothing starts before a person
triggers it, and a run triggered from the command line does not wait unseen behind a pause switch.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseOperator, TaskGroup

from dirac_prodsys.core import loops as core_loops
from dirac_prodsys.core import naming
from dirac_prodsys.core.conduct import share
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan import ProductionPlan, StepPlan, compile
from dirac_prodsys.core.production import Production
from dirac_prodsys.provider import final, gates, loops, registry
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateDatasetOperator,
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.params import dag_params
from dirac_prodsys.provider.registry_late import DiracRegisterStepOperator
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from dirac_prodsys.provider.teardown import bracket

#: stands for the run where the graph is drawn; no name made of it ever reaches the grid
PREVIEW_RUN = "run"

#: runs of one production at a time; each run has transformations of its own
MAX_ACTIVE_RUNS = 16

#: characters of a production's text that its DAG shows
_SHOWN_SOURCE = 64 * 1024


_ABOUT = (
    "A run creates its transformations, waits for them, flushes what is left over, completes "
    "them and makes the datasets. Pausing this DAG stops nothing on the grid."
)


@dataclass(frozen=True)
class _StepTasks:
    group: TaskGroup
    create: BaseOperator
    start: BaseOperator
    #: the first task of what leads to the start: itself, or what is waited for before it
    begin: BaseOperator
    #: the first task that needs the parents' files to be all there
    wait: BaseOperator
    complete: BaseOperator


def dag_from_file(stub: str | Path, source: str = "", note: str = "") -> DAG:
    """The DAG of the YAML beside a stub.

    :param stub: path of the stub; the text is in the file of the same name with the ending
        ``.yaml``.
    :param source: name of the user's file, for messages.
    :param note: shown above everything else, when the production is in a special state.
    :raises DefinitionErrors: the text is no production.
    """
    path = Path(stub).with_suffix(".yaml")
    return build_dag(load_production(path.read_text("utf-8"), source or path.name), note=note)


def build_dag(production: Production, *, note: str = "") -> DAG:
    """The DAG of a production.

    :param note: shown in its documentation, and marked by the tag ``retired``.
    """
    plan = compile(production, run=PREVIEW_RUN)
    dag = DAG(
        dag_id=naming.dag_id(production.name),
        description=" ".join(plan.description.split())[:500] or None,
        doc_md=_documentation(production, plan, note),
        tags=sorted({"dirac", "production", production.vo, *production.tags, *_state(note)}),
        schedule=None,
        params=dag_params(production.parameters),
        catchup=False,
        is_paused_upon_creation=False,
        max_active_runs=MAX_ACTIVE_RUNS,
        # deferred tasks do not count; the acts of all steps may run at once
        max_active_tasks=max(16, 2 * len(plan.steps)),
        default_args={
            "owner": production.vo,
            "retries": 3,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(minutes=15),
        },
    )
    with dag:
        names = {naming.group_id(s.name) for s in (*plan.steps, *plan.loops)}
        created = EmptyOperator(task_id=_free_id("created", names))
        asked = gates.before_production(production, plan, _free_id("approve", names))
        tasks = {step.name: _step_tasks(production, step) for step in plan.steps}
    ready_to_start, beside = [created], []
    if production.registry:
        ids = (_free_id("register", names), _free_id("registered", names))
        beside.append(ids[0])
        ready_to_start.append(registry.registered(dag, production, created, ids))
    late = gates.created_late(production, plan)
    repeated = {
        loop.name: loops.loop_tasks(dag, production, loop, naming.group_id) for loop in plan.loops
    }
    for loop in plan.loops:
        for check, steps in zip(repeated[loop.name].checks, loop.passes, strict=True):
            [tasks[name].group for name in steps] >> check
        for again, steps in zip(repeated[loop.name].passes, loop.passes[1:], strict=True):
            again >> [tasks[name].create for name in steps]
    for step in plan.steps:
        own = tasks[step.name]
        outside = core_loops.foreign(production, step.name, step.feeders)
        for name, loop_name in outside.items():
            done = repeated[loop_name].done
            done >> own.begin
            if name not in step.after:
                done >> [own.create, own.wait]
        if step.name not in late:
            own.create >> created
        elif production.registry:
            with dag, own.group:
                enter = DiracRegisterStepOperator(
                    task_id="register", production=production, late=step.name
                )
            [own.create, *ready_to_start] >> enter >> own.start
        ready_to_start >> own.begin
        if not step.parents:
            asked >> own.create
        near = [n for n in (*step.parents, *step.feeders) if n not in outside]
        for parent in (tasks[name] for name in near):
            parent.create >> own.create
            parent.complete >> own.wait
            if step.start == "on_complete":
                parent.complete >> own.begin
        for name in (n for n in step.after if n not in outside):
            tasks[name].complete >> own.begin
        if part := share(step.start):
            for name in dict.fromkeys(near):
                with dag, own.group:
                    ready = DiracTransformationSensor(
                        task_id=f"ready_{naming.group_id(name)}",
                        production=production,
                        step=name,
                        ready_at=part,
                    )
                tasks[name].start >> ready >> own.begin
    begin, outcome = bracket(dag, production, lambda wanted: _free_id(wanted, names))
    final.reported(
        dag, production, _free_id("report", names), (*beside, outcome.task_id), setup=begin
    )
    return dag


def _step_tasks(production: Production, step: StepPlan) -> _StepTasks:
    about = production.step(step.name).description or f"{step.transformation.type}"
    with TaskGroup(group_id=naming.group_id(step.name), tooltip=about) as group:
        where: dict[str, Any] = {"production": production, "step": step.name}
        create = DiracCreateTransformationOperator(task_id="create", **where)
        start = DiracStartTransformationOperator(task_id="start", **where)
        process = DiracTransformationSensor(task_id="process", until={"complete"}, **where)
        complete = DiracCompleteTransformationOperator(task_id="complete", **where)
        create >> start
        begin = gates.before_start(production, step, create, start, late=step.waits_for_input)
        wait: BaseOperator = process
        if step.rules.needs_input and step.rules.flush == "auto":
            wait = DiracTransformationSensor(task_id="settle", until={"flush", "complete"}, **where)
            flush = DiracFlushTransformationOperator(task_id="flush", **where)
            start >> wait >> flush >> process
        else:
            start >> process
        process >> complete
        if step.dataset is not None:
            complete >> DiracCreateDatasetOperator(task_id="dataset", **where)
    return _StepTasks(group, create, start, begin, wait, complete)


def _free_id(wanted: str, taken: set[str]) -> str:
    while wanted in taken:
        wanted += "_"
    return wanted


def _state(note: str) -> set[str]:
    return {"retired"} if note else set()


def _documentation(production: Production, plan: ProductionPlan, note: str) -> str:
    text = production.source
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    cut = "" if len(text) <= _SHOWN_SOURCE else "\n… (cut here)"
    shown = text[:_SHOWN_SOURCE] + cut
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    heading = (
        f"Production **{production.name}** of VO **{production.vo}**, {len(plan.steps)} steps, "
        f"connection `{production.connection}`."
    )
    parts = [
        f"> {note}" if note else "",
        heading,
        _ABOUT,
        f"`{production.file}`, SHA-256 `{digest}…`",
        f"{fence}yaml\n{shown}\n{fence}\n",
    ]
    return "\n\n".join(part for part in parts if part)
