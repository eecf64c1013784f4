"""kill -9 where it hurts most: a run ends well, with exactly one transformation per step."""

from __future__ import annotations

from contextlib import ExitStack

import psutil

from tests.e2e.site import Site
from tests.patience import until

#: conditions in the output query of ``Site.quick``
QUERIES = 2


def dead(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def kill_worker_while_creating(site: Site, name: str, run_id: str, *, supervisor: bool) -> None:
    """Kill the worker of ``prepare.create.step`` when DIRAC has the transformation's row.

    :param supervisor: kill the process of the executor as well, which watches over the task.
    """
    site.known(name)
    with site.creation_held():
        site.rest.trigger(name, run_id)
        until("the row", 120, lambda: site.rows(name, run_id, "step"), each=0.02)
        worker = site.stack.worker(name, run_id, "prepare.create.step")
        assert worker is not None
        victims = [worker, worker.parent()] if supervisor else [worker]
        for process in victims:
            process.kill()
        until("they are dead", 10, lambda: all(dead(process) for process in victims))
    assert len(site.rows(name, run_id, "step")) == 1


def kill_worker_after_creating(site: Site, name: str, run_id: str) -> None:
    """Kill the worker of ``prepare.create.step`` when DIRAC is done and the operator is not.

    The operator cannot have ended: its last act is to tell Airflow, which does not listen.
    """
    site.known(name)
    with ExitStack() as stack:
        with site.creation_held():
            site.rest.trigger(name, run_id)
            until("the row", 120, lambda: site.rows(name, run_id, "step"), each=0.02)
            worker = site.stack.worker(name, run_id, "prepare.create.step")
            assert worker is not None
            stack.enter_context(site.airflow_mute())
        until("its query", 60, lambda: site.queries(name, run_id, "step") == QUERIES, each=0.02)
        worker.kill()
        until("it is dead", 10, lambda: dead(worker))
    assert len(site.rows(name, run_id, "step")) == 1


def test_a_worker_killed_while_it_creates_leaves_one_transformation(site: Site) -> None:
    site.drop("task_killed", site.quick("step"))
    site.drop("worker_killed", site.quick("step"))
    site.drop("result_lost", site.quick("step"))
    # Airflow needs half a minute to miss a worker, and waits a minute before it tries again
    kill_worker_while_creating(site, "worker_killed", "run", supervisor=True)
    kill_worker_while_creating(site, "task_killed", "run", supervisor=False)
    kill_worker_after_creating(site, "result_lost", "run")

    for name in ("task_killed", "worker_killed", "result_lost"):
        site.succeeds(name, "run", seconds=300)
        tries = site.tries(name, "run")
        again = {task: number for task, number in tries.items() if number > 1}
        assert again == {"prepare.create.step": 2}
        assert [status for _id, status in site.rows(name, "run", "step")] == ["Completed"]


def test_a_killed_triggerer_forgets_no_wait(site: Site) -> None:
    steps = ("left", "right")
    waits = [f"{step}.wait_for_completion" for step in steps]
    site.drop("triggerer_killed", *(site.gated(step) for step in steps))
    site.begin("triggerer_killed", "run")
    site.waiting("triggerer_killed", "run", *waits)

    site.stack.kill("triggerer")
    states = site.states("triggerer_killed", "run")
    assert {states[wait] for wait in waits} == {"deferred"}
    # what they wait for happens while nobody looks
    site.open_gate("triggerer_killed", "run")
    site.stack.restart("triggerer")

    site.succeeds("triggerer_killed", "run", seconds=180)
    assert set(site.tries("triggerer_killed", "run").values()) == {1}
    for step in steps:
        rows = site.rows("triggerer_killed", "run", step)
        assert [status for _id, status in rows] == ["Completed"]
