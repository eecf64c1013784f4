"""A production in the bundle's folder: its DAG, and what a run of it has come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.core.naming import RETIRED

Run = Callable[..., Any]

HEAD = "version: 1\nproduction: {{name: {name}, vo: sim}}\nsteps:\n"

STEP = """
  {step}:
    type: {type}
    {more}
    job: {{type: script, executable: run-it, arguments: "{arguments}"}}
    output:
      directory: /sim/{name}/${{{{ run }}}}/{step}
      se: DISK-A-SE
      metadata: {{production: {name}, run: "${{{{ run }}}}", step: {step}}}
      files: ["{step}_@{{JOB_ID}}.dat"]
"""

DATASET = '    dataset: {name: "/sim/datasets/%s_${{ run }}", expect_files: %d}\n'


def text(name: str, *steps: tuple[str, str], arguments: str = "", tail: str = "") -> str:
    """A production of ``(step, "tasks: 5" | "input: …")``, merging by three."""
    parts = [HEAD.format(name=name)]
    for step, more in steps:
        first = "tasks" in more
        parts.append(
            STEP.format(
                name=name,
                step=step,
                type="MCSimulation" if first else "Merging",
                more=more if first else f"{more}\n    group_size: 3",
                arguments=arguments,
            )
        )
    return "".join(parts) + tail


def served_dag(folder: Path, text: str) -> Any:
    """The DAG that the bundle makes of a production in its folder; its tasks retry at once."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag

    (folder / "p.yaml").write_text(text)
    bundle = DagBundlesManager().get_bundle("productions")
    bundle.initialize()
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name="productions")
    assert bag.import_errors == {}, bag.import_errors
    dag = only_dag(bag)
    for task in dag.tasks:
        task.retry_delay = task.max_retry_delay = task.retry_delay * 0
    return dag


def only_dag(bag: Any) -> Any:
    """The one production of a bag whose file is in the folder: those of other tests are kept as
    retired, as long as Airflow has runs of them."""
    productions = [dag for name, dag in bag.dags.items() if name != DAG_ID]
    (dag,) = [dag for dag in productions if RETIRED not in dag.tags]
    return dag


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


def completed(dag_run: Any) -> bool:
    """Whether all tasks succeeded, and nothing was left to stop."""
    found = states(dag_run)
    return found.pop("finish.on_cancel") == "skipped" and set(found.values()) == {"success"}


def tries(dag_run: Any) -> set[int]:
    return {ti.try_number for ti in dag_run.get_task_instances()}


def result(dag_run: Any, task_id: str, key: str = "return_value") -> Any:
    (ti,) = [ti for ti in dag_run.get_task_instances() if ti.task_id == task_id]
    return ti.xcom_pull(task_ids=task_id, key=key)
