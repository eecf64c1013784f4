"""Builds the DAG of a production in the shape that ``core/run/dag_shape.py`` gives.

Invariant: the same text gives the same serialised DAG, whenever and wherever it is built, so that
Airflow sees a new version only when the production changed. Nothing here touches the grid or a
connection, and no string of a user is rendered as a template.

A DAG is not paused when it appears. Without ``schedule:`` nothing starts before a person triggers
it, and a run triggered from the command line does not wait unseen behind a pause switch.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from airflow.sdk import DAG, BaseOperator, TaskGroup

from dirac_prodsys.core import naming
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import BROKEN, RETIRED
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.policy import start_fraction
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.run.dag_shape import VERSION, Shape, TaskPlace, shape
from dirac_prodsys.errors import DefinitionError, DefinitionErrors
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateDatasetOperator,
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.people.approval import DiracApprovalOperator
from dirac_prodsys.provider.people.params import dag_params
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from dirac_prodsys.provider.tasks.gates import DiracGateSensor
from dirac_prodsys.provider.tasks.loops import (
    DiracLoopCheckOperator,
    DiracLoopDoneOperator,
    DiracLoopPassOperator,
)
from dirac_prodsys.provider.tasks.preparing import DiracBeginRunOperator, DiracVerifyOperator
from dirac_prodsys.provider.tasks.registry import (
    DiracRegisterProductionOperator,
    DiracRegisterStepOperator,
)
from dirac_prodsys.provider.tasks.run_end import DiracEndRunOperator
from dirac_prodsys.provider.tasks.run_report import DiracProductionReportOperator
from dirac_prodsys.provider.tasks.words import sentence
from dirac_prodsys.provider.waiting.schedule import dag_arguments

#: the run in the plan from which the graph is drawn; no name made of it ever reaches the grid
PREVIEW_RUN = "run"

#: most steps in the table of a DAG's documentation
_SHOWN_STEPS = 100

#: tasks that may wait for weeks
_WAITS = frozenset({"ready", "wait_for", "wait_for_input", "wait_for_completion"})

#: how often such a task is tried again: Airflow may take a wait that was resumed for a failed one
#: (see :mod:`provider.waiting.event_time`); what has really failed is not tried again
_WAIT_RETRIES = 10

#: most characters of a production's text that its DAG shows
_SHOWN_SOURCE = 64 * 1024


_ABOUT = (
    "A run creates its transformations, waits for them, flushes what is left over, completes "
    "them and makes the datasets. Pausing this DAG stops nothing on the grid. In the graph the "
    "words at an edge say which files a step takes, *(streaming)* that it takes them as they "
    "come; the dashed line leads from the beginning of a run to its end."
)
_EACH_EVENT = (
    "Each event has a run of its own, `event-…`, with its values as parameters. Runs named "
    "`asset_triggered__…` are begun by Airflow: they trigger these, and their tasks are skipped."
)
_TO_DO = (
    "How a run stands: `dirac-prodsys status {name}`. What its jobs came to: the report of each "
    "step, and of the run, in the XComs of `finish.report`. To stop, resume, flush, extend, "
    "complete or clean: [production_operations](/dags/production_operations). Each task links to "
    "its transformation where the connection names the grid's portal."
)


def dag_from_file(
    stub: str | Path, source: str = "", note: str = "", shape: int = 1, mark: str = RETIRED
) -> DAG:
    """Return the DAG of the YAML beside a stub.

    :param stub: path of the stub; the text is in the file of the same name with the ending
        ``.yaml``.
    :param source: name of the user's file, for messages.
    :param note: shown above everything else, when the production is in a special state.
    :param shape: ``VERSION`` of the shape with which the stub was written.
    :param mark: the tag of a production that has a note.
    :raises DefinitionErrors: the text is no production, or the DAG had another shape.
    """
    if shape != VERSION:
        reason = f"its runs were begun by a version that drew DAGs otherwise (shape {shape})"
        raise DefinitionErrors([DefinitionError(f"{source}: {reason}", _OLD_SHAPE)])
    path = Path(stub).with_suffix(".yaml")
    return build_dag(
        load_production(path.read_text("utf-8"), source or path.name), note=note, mark=mark
    )


def build_dag(production: Production, *, note: str = "", mark: str = RETIRED) -> DAG:
    """Return the DAG of a production.

    :param note: shown in its documentation, above everything else.
    :param mark: the tag of a production that has a note. No run of a retired production begins.
    """
    plan = compile(production, run=PREVIEW_RUN)
    drawn = shape(production, plan)
    mark = mark if note else ""
    dag = _empty_dag(production, plan, note, mark)
    with dag:
        groups = _groups(dag, drawn)
        tasks = {
            place: _task(_Asked(place, production, plan, drawn, mark), groups[group])
            for place, group in drawn.tasks.items()
        }
    _link(dag, drawn, tasks)
    _keep_order(dag.task_group, drawn)
    return dag


def _groups(dag: DAG, drawn: Shape) -> dict[str, TaskGroup]:
    made: dict[str, TaskGroup] = {"": dag.task_group}
    for group in drawn.groups:
        made[group.id] = TaskGroup(
            group_id=group.id.removeprefix(f"{group.within}."),
            parent_group=made[group.within],
            prefix_group_id=group.prefixes,
            tooltip=group.about,
            group_display_name=group.title,
        )
    return made


def _task(asked: _Asked, group: TaskGroup) -> BaseOperator:
    place = asked.place
    task_id = asked.drawn.ids[place]
    if group.prefix_group_id:
        name: dict[str, Any] = {"task_id": task_id.removeprefix(f"{group.group_id}.")}
    else:
        name = {"task_id": task_id, "task_display_name": task_id.rpartition(".")[2]}
    name["doc_md"] = sentence(place, asked.plan)
    if place.part in _WAITS:
        name["retries"] = _WAIT_RETRIES
    make = _MAKERS[place.part]
    made: BaseOperator = make(asked, task_group=group, production=asked.production, **name)
    return made


class _Asked(NamedTuple):
    """The values from which a task is made."""

    place: TaskPlace
    production: Production
    plan: ProductionPlan
    drawn: Shape
    mark: str

    @property
    def ends(self) -> list[str]:
        """Return the IDs of the last tasks of the steps; after them the run is over."""
        ids, last = self.drawn.ids, TaskPlace("on_cancel")
        return [ids[edge.before] for edge in self.drawn.edges if edge.after == last]

    def checks(self) -> list[str]:
        """Return the task IDs of the checks of a loop, in order."""
        ids, loop = self.drawn.ids, self.place.whose
        (passes,) = (len(each.passes) for each in self.plan.loops if each.name == loop)
        return [ids[TaskPlace("check", loop, number)] for number in range(1, passes + 1)]


def _step(kind: type[BaseOperator]) -> Callable[..., BaseOperator]:
    def make(asked: _Asked, **given: Any) -> BaseOperator:
        return kind(step=asked.place.whose, **given)

    return make


def _begin(asked: _Asked, **given: Any) -> BaseOperator:
    if not asked.place.whose:
        return DiracBeginRunOperator(retired=asked.mark == RETIRED, **given).as_setup()
    number = int(asked.place.of)
    return DiracLoopPassOperator(check=asked.checks()[number - 2], **given)


def _register(asked: _Asked, **given: Any) -> BaseOperator:
    if asked.place.whose:
        return DiracRegisterStepOperator(late=asked.place.whose, **given)
    return DiracRegisterProductionOperator(**given)


def _verify(asked: _Asked, **given: Any) -> BaseOperator:
    ids = asked.drawn.ids
    early = [step.name for step in asked.plan.steps if step.name not in asked.drawn.late]
    return DiracVerifyOperator(
        created={name: ids[TaskPlace("create", name)] for name in early},
        late=[step.name for step in asked.plan.steps if step.name in asked.drawn.late],
        approval=ids.get(TaskPlace("approve"), ""),
        # with a registry, whatever way ``register`` ends: nobody waits for the ProductionSystem
        trigger_rule="all_done" if asked.production.registry else "all_success",
        **given,
    )


def _approve(asked: _Asked, **given: Any) -> BaseOperator:
    return DiracApprovalOperator(step=asked.place.whose or None, **given)


def _ready(asked: _Asked, **given: Any) -> BaseOperator:
    ready_at = start_fraction(asked.plan.step(asked.place.whose).start)
    return DiracTransformationSensor(step=str(asked.place.of), ready_at=ready_at, **given)


def _wait_for_input(asked: _Asked, **given: Any) -> BaseOperator:
    step = asked.plan.step(asked.place.whose)
    ids, above = asked.drawn.ids, asked.drawn.streams[step.name]
    return DiracTransformationSensor(
        step=step.name,
        until=("flush", "complete") if step.rules.flush == "auto" else ("input", "complete"),
        parents=[ids[TaskPlace("complete", name)] for name in above],
        **given,
    )


def _check(asked: _Asked, **given: Any) -> BaseOperator:
    place = asked.place
    return DiracLoopCheckOperator(loop=place.whose, number=int(place.of), **given)


def _done(asked: _Asked, **given: Any) -> BaseOperator:
    (loop,) = (each for each in asked.plan.loops if each.name == asked.place.whose)
    # the checks of passes that are not needed are skipped
    return DiracLoopDoneOperator(
        checks=asked.checks(), otherwise=loop.otherwise, trigger_rule="none_failed", **given
    )


def _on_cancel(asked: _Asked, **given: Any) -> BaseOperator:
    return DiracEndRunOperator(last=asked.ends, **given)


def _report(asked: _Asked, **given: Any) -> BaseOperator:
    optional = [asked.drawn.ids[TaskPlace("register")]] if asked.production.registry else []
    return DiracProductionReportOperator(last=asked.ends, optional=optional, **given)


_MAKERS: Mapping[str, Callable[..., BaseOperator]] = {
    "begin": _begin,
    "approve": _approve,
    "create": _step(DiracCreateTransformationOperator),
    "register": _register,
    "verify": _verify,
    "ready": _ready,
    "wait_for": _step(DiracGateSensor),
    "start": _step(DiracStartTransformationOperator),
    "wait_for_input": _wait_for_input,
    "flush": _step(DiracFlushTransformationOperator),
    "wait_for_completion": _step(DiracTransformationSensor),
    "complete": _step(DiracCompleteTransformationOperator),
    "create_dataset": _step(DiracCreateDatasetOperator),
    "check": _check,
    "done": _done,
    "on_cancel": _on_cancel,
    "report": _report,
}


def _link(dag: DAG, drawn: Shape, tasks: Mapping[TaskPlace, BaseOperator]) -> None:
    for edge in drawn.edges:
        before, after = tasks[edge.before], tasks[edge.after]
        # `before >> after` does the same, but lists all tasks of the DAG for each edge
        before.downstream_task_ids.add(after.task_id)
        after.upstream_task_ids.add(before.task_id)
        if edge.label:
            dag.set_edge_info(before.task_id, after.task_id, {"label": edge.label})
    # teardowns run whatever way a run ends, and clearing any task clears them
    begin, cancel, report = (tasks[TaskPlace(part)] for part in ("begin", "on_cancel", "report"))
    cancel.as_teardown(setups=begin)
    report.as_teardown(setups=begin, on_failure_fail_dagrun=True)


def _keep_order(group: TaskGroup, drawn: Shape) -> None:
    """Let Airflow show the children of a group in the order of the file.

    Airflow 3.3 sorts the children of a group by their keys. Then it sorts by dependency only those
    that have their ID as key. With numbers as keys, the first sort decides alone.
    """
    children = sorted(group.children.items(), key=lambda item: drawn.order[item[0]])
    group.children = {f"{number:05d}": child for number, (_, child) in enumerate(children)}
    for _, child in children:
        if isinstance(child, TaskGroup):
            _keep_order(child, drawn)


def _empty_dag(production: Production, plan: ProductionPlan, note: str, mark: str) -> DAG:
    own = set(production.tags) - {RETIRED, BROKEN}
    tags = {"dirac", "production", production.vo, mark, *own} - {""}
    return DAG(
        dag_id=naming.dag_id(production.name),
        description=" ".join(plan.description.split())[:500] or None,
        doc_md=_documentation(production, plan, note),
        tags=sorted(tags),
        **dag_arguments(production, retired=mark == RETIRED),
        params=dag_params(production),
        is_paused_upon_creation=False,
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
        "\n".join(f"> {line}".rstrip() for line in note.splitlines()),
        heading,
        " ".join(production.description.split()),
        " · ".join(f"[{name}]({address})" for name, address in production.links.items()),
        _ABOUT,
        _EACH_EVENT if production.schedule and production.schedule.run_per_event else "",
        _table(plan),
        _TO_DO.format(name=production.name),
        f"`{production.file}`, SHA-256 `{digest}…`",
        f"{fence}yaml\n{shown}\n{fence}\n",
    ]
    return "\n\n".join(part for part in parts if part)


def _table(plan: ProductionPlan) -> str:
    """Return the steps as a Markdown table; RUN stands for the run."""
    rows = ["| step | type | takes | starts | dataset |", "|---|---|---|---|---|"]
    for step in plan.steps[:_SHOWN_STEPS]:
        takes = ", ".join(step.parents) or "-"
        dataset = "-" if step.dataset is None else step.dataset.name
        cells = (step.name, step.transformation.type, takes, step.start, dataset)
        rows.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    if len(plan.steps) > _SHOWN_STEPS:
        rows.append(f"| … and {len(plan.steps) - _SHOWN_STEPS} more | | | | |")
    return "\n".join(rows)


_OLD_SHAPE = "let those runs end with that version, then trigger new ones"
