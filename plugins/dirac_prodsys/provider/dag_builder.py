"""From a production to its DAG: one TaskGroup per step; edges between them as ``core/edges`` says.

::

    begin ──> every root; every leaf ──> on_cancel    the run's end, whatever way it comes
                          every leaf ──> outcome      what is said of the run
    both ──> report                                   however the run ends

    a step:  create ─> start ─> [settle ─> flush ─>] process ─> complete [─> dataset]
             [wait_for ─>] [approve ─>] start         what is waited for, then a person
             wait_for ─> create                       where that is the dataset that it takes
             ready ─> the first of those              a parent's work; ``start: {at: 10%}``
             create ─> register ─> start              where it is created under way

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
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseOperator, TaskGroup

from dirac_prodsys.core import naming
from dirac_prodsys.core.conduct import share
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.edges import Place, created_late, edges, looked_at
from dirac_prodsys.core.plan import ProductionPlan, StepPlan, compile
from dirac_prodsys.core.production import Production
from dirac_prodsys.provider import final, gates, loops, registry
from dirac_prodsys.provider.approval import DiracApprovalOperator
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
    dag = _empty_dag(production, plan, note)
    names = {naming.group_id(each.name) for each in (*plan.steps, *plan.loops)}
    free = partial(_free_id, taken=names)
    with dag:
        created = EmptyOperator(task_id=free("created"))
        places: dict[Place, BaseOperator | TaskGroup] = {Place("created"): created}
        if plan.approval is not None:
            asked = DiracApprovalOperator(task_id=free("approve"), production=production)
            places[Place("asked")] = asked
    late = created_late(production, plan)
    for step in plan.steps:
        places |= _step_tasks(dag, production, step, late=step.name in late)
    beside = []
    if production.registry:
        ids = (free("register"), free("registered"))
        places[Place("registered")] = registry.registered(dag, production, created, ids)
        beside.append(ids[0])
    for loop in plan.loops:
        places |= loops.loop_tasks(dag, production, loop, naming.group_id)
    for before, after in edges(production, plan):
        places[before] >> places[after]
    begin, outcome = bracket(dag, production, free)
    final.reported(dag, production, free("report"), (*beside, outcome.task_id), setup=begin)
    return dag


def _empty_dag(production: Production, plan: ProductionPlan, note: str) -> DAG:
    return DAG(
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


def _step_tasks(
    dag: DAG, production: Production, step: StepPlan, *, late: bool
) -> dict[Place, BaseOperator | TaskGroup]:
    """The tasks of a step, linked among themselves; those that edges lead to, by their places.

    :param late: it is created when the run is under way.
    """
    about = production.step(step.name).description or f"{step.transformation.type}"
    with dag, TaskGroup(group_id=naming.group_id(step.name), tooltip=about) as group:
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
        beside: dict[Place, BaseOperator] = {
            Place("ready", step.name, parent): DiracTransformationSensor(
                task_id=f"ready_{naming.group_id(parent)}",
                production=production,
                step=parent,
                ready_at=share(step.start),
            )
            for parent in looked_at(production, step)
        }
        list(beside.values()) >> begin
        if late and production.registry:
            register = DiracRegisterStepOperator(
                task_id="register", production=production, late=step.name
            )
            create >> register >> start
            beside[Place("register", step.name)] = register
    return {
        Place("all", step.name): group,
        Place("create", step.name): create,
        Place("begin", step.name): begin,
        Place("wait", step.name): wait,
        Place("start", step.name): start,
        Place("complete", step.name): complete,
        **beside,
    }


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
