"""Mutants: each breaks one promise on purpose, so that the observer can be seen to notice.

Invariant: each is the smallest change that a tired person could have made to the real code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from airflow.sdk.exceptions import AirflowException

from dirac_prodsys.core.actions.preview import Preview
from dirac_prodsys.core.gates.gate import GateVerdict
from dirac_prodsys.core.grid.jobs import JobState
from dirac_prodsys.core.policy import judging
from dirac_prodsys.core.recovery.decisions import Case
from dirac_prodsys.gateway.procedures import recovery
from dirac_prodsys.gateway.records import TransformationRecord
from dirac_prodsys.gateway.verbs import tasks
from dirac_prodsys.gateway.verbs.recovery import RecoveryVerbs
from dirac_prodsys.gateway.verbs.transformations import TransformationVerbs
from dirac_prodsys.provider import gate_trigger, operators
from dirac_prodsys.provider.operators import DiracCompleteTransformationOperator as Complete
from dirac_prodsys.provider.people.approval import DiracApprovalOperator as Approval
from dirac_prodsys.provider.sensors import DiracTransformationSensor
from dirac_prodsys.provider.tasks.base import DiracTask
from dirac_prodsys.provider.tasks.loops import DiracLoopPassOperator
from dirac_prodsys.provider.triggers import DiracTransformationTrigger as Trigger
from dirac_prodsys.provider.waiting.poller import attached


@dataclass(frozen=True)
class Mutant:
    """A change that breaks the code.

    :param breaks: invariants, any of which shows it.
    :param seed: a walk that shows it, to be tried first: to search for one takes minutes.
    """

    what: str
    breaks: frozenset[str]
    broken: Callable[[], AbstractContextManager[Any]]
    seed: int = 0


def _blind_create(self: Any, spec: Any) -> TransformationRecord:
    number = self._add(spec, self._render(spec.body))
    return TransformationRecord(number, spec.name, "New")


def _adopt_anything(self: Any, spec: Any, body: str, stored: Any, **_: Any) -> TransformationRecord:
    return TransformationRecord(stored.id, spec.name, stored.status, True)


def _never_unfinished(*_: Any) -> bool:
    return False


def _blind_tasks(self: Any, transformation: int, total: int) -> int:
    return len(self._ts("extendTransformation", transformation, total))


@contextmanager
def _unqueued() -> Iterator[None]:
    with (
        mock.patch.object(tasks._Queue, "join"),
        mock.patch.object(tasks._Queue, "still_first", return_value=True),
        mock.patch.object(TransformationVerbs, "_wait_out"),
    ):
        yield


def _skip(wanted: str) -> Any:
    """A sensor of that name that does not wait."""
    work = DiracTransformationSensor.work

    def impatient(self: Any, context: Any, state: Mapping[str, Any]) -> Any:
        return None if self.task_id.endswith(wanted) else work(self, context, state)

    return mock.patch.object(DiracTransformationSensor, "work", impatient)


def _fail_in_an_outage(self: Any, error: Any, state: Any) -> None:
    raise AirflowException(str(error)) from error


def _clean_before_completing(self: Any, context: Any, state: Mapping[str, Any]) -> Any:
    name = self.plan(context, with_datasets=False).transformation.name
    self.on_grid(lambda grid: grid.clean_transformation(self.find(grid, name).id))
    return {"id": 0}


async def _stop_whatever(self: Any) -> None:
    async with attached(self.dirac_conn_id) as poller:
        await poller.ask("stop", lambda grid: grid.stop_transformation(self.transformation))


def _resume_whatever(gateway: Any, transformation: int) -> bool:
    gateway.resume_transformation(transformation)
    return True


def _open_at_once(*_: Any, **__: Any) -> GateVerdict:
    return GateVerdict("open", "whatever is there")


@contextmanager
def _unadopting() -> Iterator[None]:
    with (
        mock.patch.object(TransformationVerbs, "_adopt", _adopt_anything),
        mock.patch("dirac_prodsys.gateway.verbs.transformations.unfinished", _never_unfinished),
    ):
        yield


@contextmanager
def unbounded() -> Iterator[None]:
    """Lets the grid take files back as often as it likes; only long failures show it."""
    with (
        mock.patch.object(judging, "last_tries", return_value=0),
        mock.patch.object(judging, "tried_enough", return_value=0),
        mock.patch.object(recovery, "decide", return_value=[]),
    ):
        yield


def _moody(self: Any, kind: str, reason: str, *rest: Any) -> Any:
    event = _event(self, kind, f"{reason} (the {len(_moods)}. time)", *rest)
    _moods.append(kind)
    return event


_event = Trigger._event
_moods: list[str] = []

MUTANTS = (
    Mutant(
        "creates without looking up",
        frozenset({"I1", "I2", "I5"}),
        lambda: mock.patch.object(TransformationVerbs, "create_transformation", _blind_create),
    ),
    Mutant("adopts whatever has the name", frozenset({"I2"}), _unadopting, seed=35),
    Mutant(
        "fights a person who changed a group size",
        frozenset({"I5"}),
        lambda: mock.patch.object(TransformationVerbs, "_resized", return_value=False),
        seed=50,
    ),
    Mutant("flushes at once", frozenset({"I3"}), lambda: _skip(".wait_for_input")),
    Mutant("completes at once", frozenset({"I4"}), lambda: _skip(".wait_for_completion")),
    Mutant(
        "adds tasks without counting",
        frozenset({"I6"}),
        lambda: mock.patch.object(TransformationVerbs, "ensure_tasks", _blind_tasks),
        seed=1,
    ),
    Mutant("makes tasks out of turn", frozenset({"I6"}), _unqueued, seed=20),
    Mutant(
        "fails in an outage",
        frozenset({"I5"}),
        lambda: mock.patch.object(DiracTask, "_defer_for_outage", _fail_in_an_outage),
        seed=4,
    ),
    Mutant(
        "tries files again without looking for their task's output",
        frozenset({"I6"}),
        lambda: mock.patch.object(recovery, "how_many_exist", return_value="none"),
        seed=56,
    ),
    Mutant(
        "tries files again without writing it down",
        frozenset({"I7"}),
        lambda: mock.patch.object(RecoveryVerbs, "write_note", return_value=None),
        seed=47,
    ),
    Mutant(
        "cleans what is complete",
        frozenset({"I8"}),
        lambda: mock.patch.object(Complete, "work", _clean_before_completing),
    ),
    Mutant(
        "stops the grid when another triggerer takes over, or a task is cleared",
        frozenset({"I8"}),
        lambda: mock.patch.object(Trigger, "_stop_if_failed", _stop_whatever),
        seed=6,
    ),
    Mutant(
        "takes back files of tasks that are alive",
        frozenset({"I9"}),
        lambda: mock.patch.object(Case, "end", property(lambda case: JobState(0, "Failed"))),
        seed=8,
    ),
    Mutant(
        "decides by what is written down nowhere",
        frozenset({"I10"}),
        lambda: mock.patch.object(Trigger, "_event", _moody),
    ),
    Mutant(
        "starts again what a person stopped",
        frozenset({"I8"}),
        lambda: mock.patch.object(operators, "resume", _resume_whatever),
        seed=103,
    ),
    Mutant(
        "acts on what its preview does not name",
        frozenset({"I8"}),
        lambda: mock.patch.object(Preview, "acts", property(lambda preview: preview.rows)),
        seed=7,
    ),
    Mutant(
        "opens gates at once",
        frozenset({"I2"}),
        lambda: mock.patch.object(gate_trigger, "judge_gates", _open_at_once),
        seed=3,
    ),
    Mutant(
        "takes a refusal for a yes",
        frozenset({"I2"}),
        lambda: mock.patch.object(Approval, "execute_complete", return_value={"approved": True}),
        seed=21,
    ),
    Mutant(
        "goes through a loop once more than it must",
        frozenset({"I1", "I2"}),
        lambda: mock.patch.object(DiracLoopPassOperator, "work", return_value=None),
        seed=3,
    ),
)
