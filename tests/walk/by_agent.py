"""The same walk, on which verbs travel to an agent that is killed at their boundaries.

Invariant: each verb with the same arguments is killed once before it ran and once when it has run
and has not answered; the third time it is answered.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from dirac_prodsys.errors import GatewayUnavailable, ProdsysError
from dirac_prodsys.gateway.agent import AgentGateway
from dirac_prodsys.gateway.agent.codec import read_error, verb, write_error
from tests.walk.processes import SETTINGS, Process, WalkedGateway
from tests.walk.walking import Walk

#: how the first calls of a verb end; later ones are answered
ENDS = ("before", "after")


class Kills:
    """Which calls the agent does not survive."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        #: verb and boundary → how often
        self.done: Counter[tuple[str, str]] = Counter()

    def next(self, name: str, call: str) -> str:
        """The boundary at which the agent dies in this call; empty: it lives on."""
        number = self._asked[call]
        self._asked[call] += 1
        if number >= len(ENDS):
            return ""
        self.done[name, ENDS[number]] += 1
        return ENDS[number]


class KilledAgent(AgentGateway):
    """A gateway whose agent is a grid in memory, and is killed."""

    def __init__(self, there: WalkedGateway, kills: Kills) -> None:
        self.settings = SETTINGS
        self._there, self._kills = there, kills

    def _ask(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        asked = verb(name)
        question = json.dumps(asked.write_call(arguments, named), sort_keys=True)
        end = self._kills.next(name, f"{name} {question}")
        if end == "before":
            raise GatewayUnavailable(f"{name}: the agent is killed before it")
        try:
            value = getattr(self._there, name)(**asked.read_call(json.loads(question)))
        except ProdsysError as error:
            raise read_error(json.loads(json.dumps(write_error(error)))) from None
        answer = json.dumps(asked.write_answer(value))
        if end == "after":
            raise GatewayUnavailable(f"{name}: the agent is killed after it")
        return asked.read_answer(json.loads(answer))


class WalkByAgent(Walk):
    """A walk whose processes ask an agent."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.kills = Kills()

    def gateway(self, process: Process) -> Any:
        """See :meth:`Walk.gateway`."""
        return KilledAgent(super().gateway(process), self.kills)
