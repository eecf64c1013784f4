"""Makes as many tasks as declared, even if others make tasks too or an answer comes late.

``extendTransformation`` adds to the existing tasks, and DIRAC has no call that adds only if nobody
else has. So callers queue before they add (Lamport's bakery algorithm, 1974). Each writes a claim
into an additional parameter with a name of its own, chooses a number above all that it sees, and
waits until nobody is ahead of it. That needs no call that compares and sets.

A claim of a dead caller is dropped when it has not changed for ``LEASE`` timeouts. A call without
an answer may still be at work in the service. It is waited for until DIRAC's log shows that it is
done, or until no task has come for a timeout.

Invariant: only the caller whose turn it is adds tasks, and only after all tasks of earlier calls
have come, or will not come any more.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dirac_prodsys.errors import GatewayError, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.verbs.parameters import as_written
from dirac_prodsys.gateway.verbs.states import TransformationStates

#: tasks in one call: the service inserts them one by one, and must answer in time
TASK_CHUNK = 200

#: start of the name of a parameter that holds a claim; DIRAC keeps 32 characters of the name
CLAIM = "ProdsysTasks"

#: timeouts after which an unchanged claim is dropped; one for the call itself, one for what the
#: service does for it afterwards
LEASE = 2.0
#: fractions of a timeout: when a claim is written again, and between two looks
_FRESH, _LOOK = 0.25, 0.05


@dataclass(frozen=True)
class _Claim:
    """A caller who wants to add tasks.

    :param number: place in the queue; 0: it is being chosen.
    :param beat: raised whenever the claim is written again.
    :param adding: number of tasks of a call that may be at work; ``logged``: how often DIRAC's log
        reported that number of added tasks before that call.
    """

    token: str
    number: int = 0
    beat: int = 0
    adding: int = 0
    logged: int = 0

    def to_text(self) -> str:
        """Return the value of its parameter."""
        return json.dumps([self.number, self.beat, self.adding, self.logged])

    @classmethod
    def from_text(cls, token: str, text: str) -> _Claim:
        """Inverse of :meth:`to_text`; an unreadable text counts as a claim without a number yet."""
        try:
            return cls(token, *(int(part) for part in json.loads(text)))
        except (ValueError, TypeError):
            return cls(token)


class TaskVerbs(TransformationStates):
    """Implements the verb of :class:`ProductionGateway` that adds tasks."""

    #: seconds between two equal counts of tasks that make the count stable
    settle_seconds = 0.2

    #: claims of this process that an outage interrupted, by transformation
    _interrupted: dict[int, _Claim]

    def ensure_tasks(self, transformation: int, total: int) -> int:
        """See :meth:`ProductionGateway.ensure_tasks`."""
        queue = _Queue(self, transformation)
        kept = self.__dict__.setdefault("_interrupted", {})
        if (
            transformation not in kept
            and self._task_count(transformation) >= total
            and not queue.claims()
        ):
            return 0  # nobody adds, and nobody died while adding
        queue.claim = kept.pop(transformation, queue.claim)
        try:
            added = self._add_in_turn(queue, transformation, total)
        except GatewayUnavailable:
            kept[transformation] = queue.claim
            raise
        except GatewayError:
            queue.leave()
            raise
        queue.leave()
        return added

    def _add_in_turn(self, queue: _Queue, transformation: int, total: int) -> int:
        added = 0
        if queue.claim.adding:
            self._wait_out(transformation, queue.claim)
        queue.join()
        while (missing := total - self._stable_task_count(transformation)) > 0:
            number = min(missing, TASK_CHUNK)
            if not queue.still_first(number, self._times_extended(transformation, number)):
                queue.join()
                continue
            made = self._ts("extendTransformation", transformation, number)
            if not made:
                raise GatewayRejected(
                    f"transformation {transformation} was extended and got no task",
                    "see the log of the TransformationManager",
                )
            added += len(made)
            queue.claim = replace(queue.claim, adding=0)
        return added

    def _wait_out(self, transformation: int, claim: _Claim) -> None:
        """Wait until a call without an answer has been carried out, or will not be any more."""
        count, began = self._task_count(transformation), self._now()
        while self._now() - began < self.settings.timeout:
            if self._times_extended(transformation, claim.adding) > claim.logged:
                return
            self._pause(self.settings.timeout * _LOOK)
            again = self._task_count(transformation)
            if again != count:
                count, began = again, self._now()

    def _times_extended(self, transformation: int, number: int) -> int:
        """Return how often DIRAC's log, written at the end, reports that number of added tasks."""
        rows = self._ts("getTransformationLogging", transformation)
        wanted = f"Transformation extended by {number} tasks"
        return sum(str(line["Message"]) == wanted for line in rows)

    def _stable_task_count(self, transformation: int) -> int:
        """Return the count once it is stable: the service still inserts after its client died."""
        count = self._task_count(transformation)
        while True:
            self._pause(self.settle_seconds)
            again = self._task_count(transformation)
            if again == count:
                return count
            count = again

    def _task_count(self, transformation: int) -> int:
        where = {"TransformationID": [transformation]}
        counters = self._ts("getCounters", "TransformationTasks", ["TransformationID"], where)
        return sum(int(count) for _, count in counters)

    def _token(self) -> str:
        """Return the name that distinguishes our claim from others."""
        return uuid.uuid4().hex[:12]

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _now(self) -> float:
        """Return the clock that :meth:`_pause` moves; seconds."""
        return time.monotonic()


class _Queue:
    """The callers that want to add tasks to one transformation, and our place among them."""

    def __init__(self, verbs: TaskVerbs, transformation: int) -> None:
        self.verbs = verbs
        self.transformation = transformation
        self.claim = _Claim(verbs._token())
        self.written = verbs._now()

    def join(self) -> None:
        """Wait for our turn."""
        timeout = self.verbs.settings.timeout
        while True:
            self._write(number=0, adding=0)
            began, claims = self.written, self.claims()
            if self.claim.token not in claims:
                continue  # somebody took us for dead while we chose
            self._write(number=1 + max(claim.number for claim in claims.values()))
            if self.verbs._now() - began < timeout * LEASE / 2:
                break  # nobody took us for dead: claims newer than the ones we read are behind us
        seen: dict[_Claim, float] = {}
        while ahead := self._ahead(self.claims()):
            now = self.verbs._now()
            seen = {claim: seen.get(claim, now) for claim in ahead}
            for claim, since in seen.items():
                if now - since >= LEASE * timeout:
                    self._drop(claim.token)
            if now - self.written > timeout * _FRESH:
                self._write()
            self.verbs._pause(max(self.verbs.settle_seconds, timeout * _LOOK))

    def still_first(self, adding: int, logged: int) -> bool:
        """Announce a call that adds tasks; return False if it is not our turn any more."""
        if self.claim.token not in self.claims():
            return False  # it took us so long that we were taken for dead
        self._write(adding=adding, logged=logged)
        claims = self.claims()
        # once more: it may have been dropped while we wrote
        first = self.claim.token in claims and not self._ahead(claims)
        return first and self.verbs._now() - self.written <= self.verbs.settings.timeout * _FRESH

    def leave(self) -> None:
        """Give the turn to the next caller."""
        self._drop(self.claim.token)

    def _ahead(self, claims: Mapping[str, _Claim]) -> list[_Claim]:
        mine = (self.claim.number, self.claim.token)
        return [
            claim
            for token, claim in claims.items()
            if token != self.claim.token and (not claim.number or (claim.number, token) < mine)
        ]

    def claims(self) -> dict[str, _Claim]:
        """Return the claims of all callers, by token."""
        found: dict[str, Any] = self.verbs._ts("getAdditionalParameters", self.transformation)
        return {
            name.removeprefix(CLAIM): _Claim.from_text(name.removeprefix(CLAIM), as_written(text))
            for name, text in found.items()
            if name.startswith(CLAIM)
        }

    def _write(self, **changes: Any) -> None:
        self.claim = replace(self.claim, beat=self.claim.beat + 1, **changes)
        self.written = self.verbs._now()
        name = CLAIM + self.claim.token
        arguments = (self.transformation, name, self.claim.to_text())
        self.verbs._ts("setTransformationParameter", *arguments)

    def _drop(self, token: str) -> None:
        arguments = (self.transformation, CLAIM + token)
        self.verbs._ts("deleteTransformationParameter", *arguments)
