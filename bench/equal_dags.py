"""Writes one DAG of 20 tasks three times: as a production, by hand, and for dag-factory.

Invariant: the three have the same number of tasks, groups and edges between tasks, and for a task
of a step, the same operator. Four tasks that only a production has (begin, verify, on_cancel,
report) are empty tasks in the others, which makes the others cheaper.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

#: tasks in each of the three DAGs
TASKS = 20

_OPERATORS = "dirac_prodsys.provider.operators"
_EMPTY = "airflow.providers.standard.operators.empty.EmptyOperator"
_KINDS = {
    "create": f"{_OPERATORS}.DiracCreateTransformationOperator",
    "start": f"{_OPERATORS}.DiracStartTransformationOperator",
    "wait_for_input": "dirac_prodsys.provider.sensors.DiracTransformationSensor",
    "flush": f"{_OPERATORS}.DiracFlushTransformationOperator",
    "wait_for_completion": "dirac_prodsys.provider.sensors.DiracTransformationSensor",
    "complete": f"{_OPERATORS}.DiracCompleteTransformationOperator",
}


class _Task(NamedTuple):
    """A task of the DAG, as a person or dag-factory would write it."""

    id: str
    group: str
    kind: str
    given: dict[str, Any]
    after: list[str]


def chain(steps: int, name: str = "long") -> str:
    """Return a production of this many steps, one after the other."""
    lines = ["version: 1", f"production: {{name: {name}, vo: sim, registry: false}}", "steps:"]
    for number in range(steps):
        source = f"input: {{from: s{number - 1}}}" if number else "tasks: 10"
        lines += [
            f"  s{number}:",
            f"    type: {'Merging' if number else 'MCSimulation'}",
            f"    {source}",
            "    job: {type: script, executable: run}",
            f"    output: {{directory: '/sim/{name}/${{{{ run }}}}/s{number}', se: DISK-A-SE,",
            f"      metadata: {{run: '${{{{ run }}}}', step: s{number}}},",
            "      files: ['x_@{JOB_ID}']}",
        ]
    return "\n".join(lines) + "\n"


def fan(steps: int, name: str = "long") -> str:
    """Return a production: the first step feeds all others, the last takes their output."""
    text = re.sub(r"from: s\d+", "from: s0", chain(steps, name))
    head, _, tail = text.rpartition("from: s0")
    between = ", ".join(f"s{number}" for number in range(1, steps - 1))
    return f"{head}from: [{between}]{tail}"


def write_production(folder: Path, name: str) -> None:
    """Write the production's file: three steps, with a DAG of 20 tasks."""
    (folder / f"{name}.yaml").write_text(chain(3, name), encoding="utf-8")


def write_by_hand(folder: Path, name: str) -> Path:
    """Write the same DAG in Python, one statement after the other."""
    specs, tasks = _specs(), _tasks()
    modules = sorted({kind.rpartition(".")[::2] for kind in {task.kind for task in tasks}})
    lines = ["from airflow.sdk import DAG, TaskGroup"]
    lines += [f"from {module} import {kind}" for module, kind in modules]
    lines += [f"{step} = {spec!r}" for step, spec in specs.items()]
    lines += [f"with DAG({name!r}, schedule=None, catchup=False, tags=['dirac']) as dag:"]
    for group in dict.fromkeys(task.group for task in tasks):
        lines.append(f"    with TaskGroup({group!r}):")
        for task in tasks:
            if task.group == group:
                given = [f"task_id={task.id!r}", f"doc_md={_about(task)!r}"]
                given += [f"{key}={_told(key, value)}" for key, value in task.given.items()]
                kind = task.kind.rpartition(".")[2]
                lines.append(f"        {task.id} = {kind}({', '.join(given)})")
    lines += [f"    {before} >> {task.id}" for task in tasks for before in task.after]
    path = folder / f"{name}.py"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_for_dag_factory(folder: Path, name: str) -> Path:
    """Write the same DAG in dag-factory's YAML, and the Python file that loads it."""
    specs, tasks = _specs(), _tasks()
    listed = [
        {
            "task_id": task.id,
            "operator": task.kind,
            "task_group_name": task.group,
            "doc_md": _about(task),
            "dependencies": task.after,
            # equal objects become one anchor: a person would not write them twice, either
            **{key: specs[value] if key == "spec" else value for key, value in task.given.items()},
        }
        for task in tasks
    ]
    groups = [{"group_name": group} for group in dict.fromkeys(task.group for task in tasks)]
    start = {"owner": "sim", "start_date": "2026-01-01"}
    dag = {"default_args": start, "schedule": None, "catchup": False, "tags": ["dirac"]}
    text = yaml.safe_dump({name: {**dag, "task_groups": groups, "tasks": listed}})
    config = folder / f"{name}.yaml"
    config.write_text(text, encoding="utf-8")
    path = folder / f"{name}.py"
    path.write_text(
        "from airflow.sdk import DAG\n"
        "from dagfactory import load_yaml_dags\n"
        f"load_yaml_dags(globals_dict=globals(), config_filepath={str(config)!r})\n",
        encoding="utf-8",
    )
    return path


def _told(key: str, value: Any) -> str:
    return str(value) if key == "spec" else repr(value)


def _about(task: _Task) -> str:
    return f"What {task.id} does and what it waits for, in a sentence for the people on shift."


def _specs() -> dict[str, Any]:
    """Map each step to its transformation, as a dict."""
    from dirac_prodsys.core.dialects import load_production
    from dirac_prodsys.core.plan.compile import compile

    plan = compile(load_production(chain(3), "long.yaml"), run="run")
    return {step.name: step.transformation.model_dump(mode="json") for step in plan.steps}


def _tasks() -> list[_Task]:
    """Return the 20 tasks, in the order in which they are written."""
    found = [_Task("begin", "prepare", _EMPTY, {}, [])]
    names = [f"s{number}" for number in range(3)]

    def add(step: str, part: str, after: list[str], **given: Any) -> str:
        group = "create" if part == "create" else step
        task = _Task(f"{step}_{part}", group, _KINDS[part], {"spec": step, **given}, after)
        found.append(task)
        return task.id

    before = "begin"
    for name in names:
        before = add(name, "create", [before])
    found.append(_Task("verify", "prepare", _EMPTY, {}, [before]))
    for number, name in enumerate(names):
        above = names[number - 1] if number else ""
        last = add(name, "start", [f"{above}_start" if above else "verify"])
        if above:
            last = add(name, "wait_for_input", [last], until=["flush", "complete"])
            last = add(name, "flush", [last, f"{above}_complete"])
        last = add(name, "wait_for_completion", [last])
        add(name, "complete", [last])
    found.append(_Task("on_cancel", "finish", _EMPTY, {}, ["begin", f"{names[-1]}_complete"]))
    found.append(_Task("report", "finish", _EMPTY, {}, ["begin", "on_cancel"]))
    assert len(found) == TASKS
    return found
