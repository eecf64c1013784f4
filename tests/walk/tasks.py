"""What Airflow's database holds of a run: tasks, triggers, questions, and how executions ended.

Invariant: what a process leaves behind is JSON.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

#: seconds between two rounds of the scheduler
ROUND = 15.0
#: seconds after which the scheduler takes a silent worker for dead
DEAD_AFTER = 300.0

DONE = frozenset({"success", "failed", "upstream_failed", "skipped"})
BAD = frozenset({"failed", "upstream_failed"})
#: waiting without a worker
WAITING = frozenset({"deferred", "awaiting_input"})


class Store(dict[str, Any]):
    """A task state store."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self[key] = json.loads(json.dumps(value))


@dataclass
class Question:
    """What a task asks a person (a row of ``hitl_detail``).

    :param defaults: what silence means; none: silence is a failure.
    :param chosen: the answer, if there is one.
    """

    subject: str
    options: tuple[str, ...]
    defaults: tuple[str, ...] = ()
    chosen: str = ""


@dataclass
class TaskInstance:
    """A task of the run; state None: not scheduled yet."""

    task_id: str
    max_tries: int
    state: str | None = None
    tries: int = 0
    #: state of a task that waits for a retry, or whose worker is dead: when that is over; of one
    #: that waits for an answer: when silence is one
    until: float = 0.0
    method: str | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)
    row: int | None = None
    xcom: dict[str, Any] = field(default_factory=dict)
    store: Store = field(default_factory=Store)
    #: skipped by its own decision, or after one that was; not by a person
    declined: bool = False
    #: of this try
    question: Question | None = None

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcom[key] = json.loads(json.dumps(value))

    def anew(self, state: str | None) -> None:
        """Forget what it waited for."""
        self.state, self.method, self.kwargs, self.row = state, None, {}, None
        self.question = None

    def park(self, method: str, kwargs: dict[str, Any], until: float = math.inf) -> None:
        """It waits, and goes on with this method."""
        self.method, self.kwargs, self.until = method, kwargs, until

    def wake(self, event: Any) -> None:
        """What it waited for has come."""
        self.kwargs = {**self.kwargs, "event": event}
        self.state, self.row = "scheduled", None


@dataclass(frozen=True)
class Attempt:
    """How one execution ended, for the observer.

    :param end: the state that the task got.
    """

    task: TaskInstance
    end: str
    error: BaseException | None = None
    result: Any = None


@dataclass
class Row:
    """A trigger in Airflow's database."""

    path: str
    kwargs: str
    task: str


def group_of(task_id: str) -> str:
    """The group of the step that a task serves, wherever the task is drawn."""
    first, *rest = task_id.split(".")
    return rest[1] if len(rest) == 2 and rest[0] == "create" else first
