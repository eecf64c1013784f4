"""What persons click in Airflow's pages: clear, mark failed, answer a question.

Invariant: as Airflow 3.3 does it, with the tasks that it clears beside those that were chosen, and
an answer that counts for a task only while it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG

from tests.walk.clock import BEGIN, Clock
from tests.walk.tasks import BAD, DONE, WAITING, Question, TaskInstance


class Clicks:
    """Mix-in of :class:`Schedule`."""

    clock: Clock
    dag: DAG
    tasks: dict[str, TaskInstance]
    state: str

    #: called with a task and what was answered; by nobody: silence
    answered: Callable[[TaskInstance, str, str], None] = staticmethod(lambda *_: None)

    def clear(self, task_ids: Iterable[str], *, downstream: bool = True) -> list[str]:
        """Clear tasks, and by default all that follow; the run goes on."""
        wanted = set(task_ids)
        for name in list(wanted) if downstream else ():
            wanted |= self.dag.task_dict[name].get_flat_relative_ids(upstream=False)
        for task in [self.dag.task_dict[name] for name in wanted]:
            if not task.is_setup and not task.is_teardown:  # as Airflow's partial_subset does
                wanted |= {t.task_id for t in task.get_upstreams_only_setups_and_teardowns()}
        for name in sorted(wanted):
            ti = self.tasks[name]
            ti.anew(None)
            ti.declined = False
            ti.max_tries = ti.tries + self.dag.task_dict[name].retries
        if wanted:
            self.state = "running"
        return sorted(wanted)

    def mark_failed(self, task_id: str) -> None:
        """Mark one task failed, whatever it is doing."""
        self.tasks[task_id].anew("failed")

    def mark_run_failed(self) -> None:
        """Mark the run failed: what is at work fails, the rest is skipped, but for teardowns."""
        for ti in self.tasks.values():
            if ti.state in DONE or self.dag.task_dict[ti.task_id].is_teardown:
                continue
            at_work = ti.state in {"running", "lost", *WAITING}
            ti.anew("failed" if at_work else "skipped")
        teardowns = [t for t in self.dag.tasks if t.is_teardown]
        if not teardowns:
            self.state = "failed"

    def undone(self) -> list[str]:
        """Tasks that a person sees as failed, or passed over as the run was marked failed."""
        return [
            name
            for name, ti in self.tasks.items()
            if ti.state in BAD or (ti.state == "skipped" and not ti.declined)
        ]

    # -- questions -------------------------------------------------------------------------------

    def asked(self) -> list[TaskInstance]:
        """The tasks that have an open question, and wait."""
        return [
            ti
            for ti in self.tasks.values()
            if ti.state in WAITING and ti.question is not None and not ti.question.chosen
        ]

    def answer(self, ti: TaskInstance, option: str, by: str) -> None:
        """A person answers."""
        if ti.question is None:
            raise ValueError(f"{ti.task_id} asks nothing")
        ti.question.chosen = option
        self.answered(ti, option, by)
        ti.wake(self._answer([option], {"id": by, "name": by}))

    def silence(self, ti: TaskInstance) -> None:
        """Nobody answered in time."""
        defaults = list(ti.question.defaults) if ti.question else []
        if not defaults:
            ti.wake({"error": "nobody answered", "error_type": "timeout"})
            return
        self.answered(ti, defaults[0], "")
        ti.wake(self._answer(defaults, None))

    def _answer(self, chosen: list[str], by: dict[str, str] | None) -> dict[str, Any]:
        return {
            "chosen_options": chosen,
            "params_input": {},
            "responded_at": datetime.fromtimestamp(BEGIN + self.clock.elapsed, UTC),
            "responded_by_user": by,
            "timedout": by is None,
        }


def put(
    ti_id: TaskInstance,
    options: list[str],
    subject: str,
    body: str | None = None,
    defaults: list[str] | None = None,
    **_: Any,
) -> None:
    """In place of Airflow's ``upsert_hitl_detail``: the words of the first time are kept, an answer
    to them is not."""
    if ti_id.question is None:
        ti_id.question = Question(subject, tuple(options), tuple(defaults or ()))
    ti_id.question.chosen = ""
