"""Persons act by ``production_operations`` while the production runs: the real DAG, whose worker
dies at any call.

Each run of it is a :class:`Schedule` of its own beside that of the production, with a process of
its own; Airflow retries it, and persons clear it when it is over.

Invariant: what is judged is what reached the grid, see :meth:`Operation.acted`.
"""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dirac_prodsys.errors import GatewayDenied
from dirac_prodsys.gateway.memory.faults import Crash
from dirac_prodsys.gateway.verbs import output_directories
from dirac_prodsys.gateway.verbs.tasks import CLAIM
from dirac_prodsys.provider.actions.dag import actions_dag
from dirac_prodsys.provider.actions.tasks import ACT_TASK, PREVIEW_TASK
from tests.walk.processes import Process
from tests.walk.schedule import Schedule
from tests.walk.tasks import Attempt, TaskInstance

if TYPE_CHECKING:
    from tests.walk.walking import Walk

#: states in which something runs, or ends by itself
_GOES_ON = ("Active", "Idle", "Flush", "Completing")
#: action → what it sets, to which value (None: to any), and the states that are taken for it
DEEDS: Mapping[str, tuple[str, str | None, tuple[str, ...]]] = {
    "start": ("Status", "Active", _GOES_ON),
    "stop": ("Status", "Stopped", ("Stopped",)),
    "resume": ("Status", "Active", _GOES_ON),
    "flush": ("Status", "Flush", ("Flush",)),
    "complete": ("Status", "Completed", ("Completed", "Archived")),
    "extend": ("tasks", None, ()),
    "set_group_size": ("GroupSize", None, ()),
    "clean": ("Status", "Cleaning", ("Cleaning", "Cleaned")),
    "delete": ("deleted", None, ()),
}
#: what actions write beside
_NOTES = ("LastAction", "ProdsysStopped", "AgentType")
#: how often each is chosen
_OFTEN = {
    "stop": 6,
    "resume": 6,
    "flush": 3,
    "extend": 5,
    "set_group_size": 3,
    "complete": 1,
    "clean": 1,
    "delete": 1,
    "start": 2,
}


@functools.cache
def operations_dag() -> DAG:
    """The DAG of people's actions."""
    return actions_dag()


@functools.cache
def as_it_opens() -> Mapping[str, Any]:
    """The form before anybody fills it in."""
    known = operations_dag().params
    return {name: known[name] for name in known if name not in ("action", "production")}


class Operation(Schedule):
    """One run of it.

    :param given: what the person filled in.
    """

    def __init__(self, walk: Walk, number: int, given: Mapping[str, Any]) -> None:
        super().__init__(
            operations_dag(),
            walk.clock,
            random.Random(walk.seed * 101 + number),  # noqa: S311  not for secrets
            report=self._ended,
            event=lambda *_: None,
            prepare=walk.prepared,
            run_id=f"ops{number}",
            params={**as_it_opens(), **given},
        )
        self.walk, self.given = walk, given
        self.action = str(given["action"])
        self.process = Process("action")
        #: entries of DIRAC's own log before it
        self.begun = len(walk.grid.log)
        #: by a person, when everything works again
        self.cleared = False
        #: transformation → how often it was done to it; how many tasks it got
        self.changes: Counter[int] = Counter()
        #: those that it has reported
        self.done: set[int] = set()

    def __str__(self) -> str:
        return f"{self.run_id} {self.action} {', '.join(self.given['steps']) or 'all'}"

    def _work(self, ti: TaskInstance) -> None:
        with self.walk.working(self):
            super()._work(ti)

    def named(self) -> dict[int, Mapping[str, Any]]:
        """The transformations that its preview says it touches."""
        preview = self.tasks[PREVIEW_TASK].xcom.get("return_value") or {"rows": ()}
        return {row["id"]: row for row in preview["rows"] if row["answer"] == "act"}

    # -- what reaches the grid -------------------------------------------------------------------

    def acted(self, number: int, what: str, value: Any) -> None:
        """It is about to set something of a transformation."""
        name, wanted, _ = DEEDS[self.action]
        line = f"{self} sets {what} of {number} to {value}"
        if self.given["preview"]:
            self.walk.note("I8", f"{line}, and is a preview")
        if number not in self.named():
            self.walk.note("I8", f"{line}, which its preview does not name")
        if what.startswith(CLAIM) and self.action == "extend":
            return
        if (self.action, what) == ("clean", output_directories.PARAMETER):
            return  # half of a transformation lacks what the cleaning agent asks for
        if what in _NOTES and (what != "AgentType" or self.action in ("start", "resume")):
            return
        if what != name or value != (value if wanted is None else wanted):
            self.walk.note("I8", f"{line}, which is no {self.action}")
            return
        self.changes[number] += int(value) if what == "tasks" else 1
        if self.changes[number] > self.given.get("tasks", 1):
            self.walk.note("I6", f"{line}, and has done so already")
        self._by_a_person(number)

    def _by_a_person(self, number: int) -> None:
        """As if it were done with DIRAC's own commands."""
        grid, (what, wanted, _) = self.walk.grid, DEEDS[self.action]
        known = {"tasks": "extend", "GroupSize": "group_size"}
        grid.hands.setdefault(number, set()).add(wanted or known.get(what, what))
        if what == "tasks":
            grid.person_tasks[number] = grid.person_tasks.get(number, 0) + self.given["tasks"]
        if what == "GroupSize":
            grid.resized_at[number] = grid.now

    # -- what Airflow tells ----------------------------------------------------------------------

    def _ended(self, attempt: Attempt) -> None:
        error, task = attempt.error, attempt.task.task_id
        word = f": {type(error).__name__}: {error}" if error else ""
        self.walk.tell(f"{self}: {task} → {attempt.end}{word}")
        if task == ACT_TASK and (attempt.end == "success" or "outcome" in attempt.task.xcom):
            self._check(attempt.task.xcom["outcome"])
        if error is None or isinstance(error, Crash):
            return
        if isinstance(error, AirflowSkipException):
            fine = bool(self.given["preview"])
        elif isinstance(error, AirflowFailException):
            fine = self._explained(task, str(error), attempt.task)
        else:
            fine = isinstance(error.__context__, GatewayDenied)
            fine = fine and "denied" in self.walk.grid.struck
        if not fine:
            self.walk.note("I5", f"{self}: {task}: {type(error).__name__}: {error}")

    def _explained(self, task: str, text: str, ti: TaskInstance) -> bool:
        if "no transformation of ours is meant" in text:
            return not self._meant()
        if "the digest is" in text:
            return bool(self.given.get("digest"))
        if task != ACT_TASK or "outcome" not in ti.xcom:
            return False
        bad = [r for r in ti.xcom["outcome"]["results"] if r["word"] in ("refused", "failed")]
        return bool(bad) and all(result["why"] for result in bad)

    def _meant(self) -> list[str]:
        steps = self.given["steps"]
        names = [t.row["TransformationName"] for t in self.walk.grid.transformations.values()]
        return [name for name in names if not steps or name.split("__")[2] in steps]

    def _check(self, outcome: Mapping[str, Any]) -> None:
        """What it says it has done, it has, or it was so."""
        _, wanted, states = DEEDS[self.action]
        results = {result["id"]: result for result in outcome["results"]}
        if missing := self.named().keys() - results.keys():
            self.walk.note("I7", f"{self} says nothing of {sorted(missing)}")
        for number, result in results.items():
            found = self.walk.grid.transformations.get(number)
            if result["word"] != "done" or number in self.done:
                continue  # what is done stays so when the task is cleared
            self.done.add(number)
            if self.changes[number] or found is None or wanted is None:
                continue
            since = self.walk.grid.log[self.begun :]
            if found.status not in states and (number, f"Status updated to {wanted}") not in since:
                word = f"{self} says {result['why']} of {number}, which is {found.status}"
                self.walk.note("I7", f"{word}, and has done nothing")


class Operations:
    """Those of a walk."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.runs: list[Operation] = []

    def begin(self, given: Mapping[str, Any]) -> Operation:
        """A person submits the form."""
        self.runs.append(Operation(self.walk, len(self.runs), given))
        return self.runs[-1]

    def round(self) -> None:
        """One round of each."""
        for run in self.runs:
            run.round()

    @property
    def over(self) -> bool:
        """Whether none is at work, or waits for anything."""
        return all(run.state != "running" and not run.rows for run in self.runs)

    def quiet(self) -> None:
        """Nothing more happens to them; what has failed is cleared, once."""
        for run in self.runs:
            run.process.forget()
            if run.state == "failed" and not run.cleared:
                run.cleared = True
                run.clear(run.undone())

    def at_the_end(self) -> None:
        """All must have come to an end."""
        for run in self.runs:
            if run.state == "running":
                self.walk.note("END", f"{run} has not ended: {run.states()}")


def act(walk: Walk, chance: random.Random) -> str:
    """A person asks for an action on one step, or on all; its worker dies on the way."""
    action = chance.choices(list(_OFTEN), list(_OFTEN.values()))[0]
    production = walk.walked.production
    step = chance.choice(production.steps).name
    given: dict[str, Any] = {
        "action": action,
        "production": production.name,
        "steps": [] if chance.random() < 0.3 else [step],
        "preview": chance.random() < 0.1,
        "reason": "on a walk",
    }
    if chance.random() < 0.05:
        given["digest"] = "0123456789abcdef"
    if action in ("clean", "delete"):
        given |= {"run": chance.choice(("r1", "*")), "confirm": production.name}
    if action == "extend":
        given["tasks"] = chance.randint(1, 3)
    if action == "set_group_size":
        given["group_size"] = float(chance.randint(1, 5))
    run = walk.operations.begin(given)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        run.process.crash(chance.randrange(16), chance.choice(("crash", "crash_after")))
    if chance.random() < 0.3:
        walk.worker.between(chance.randrange(6), run.round)
    if chance.random() < 0.3:
        walk.clock.after(chance.uniform(60, 1500), lambda: _again(run))
    return f"a person asks for {run}"


def _again(run: Operation) -> None:
    if run.state != "running":
        run.walk.tell(f"a person clears act of {run}")
        run.clear([ACT_TASK])
