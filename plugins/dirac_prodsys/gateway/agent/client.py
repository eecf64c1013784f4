"""Implements the gateway that lets an agent do the work.

Invariant: it has each verb of the contract and no code for any. A verb that has no answer is an
outage, whether the grid carried it out or not, as if the answer of a service had been lost.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, cast

from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.agent.codec import VERBS, read_error, verb
from dirac_prodsys.gateway.agent.starting import connect
from dirac_prodsys.gateway.agent.wire import Line
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.watched_calls import report_call


def open(settings: GatewaySettings) -> ProductionGateway:
    """Return a gateway to the grid of a connection; makes no call, and starts nothing."""
    return cast(ProductionGateway, AgentGateway(settings))


class AgentGateway:
    """A :class:`ProductionGateway` whose verbs run in the agent; threads may share it."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._free: list[Line] = []
        weakref.finalize(self, _close, self._free)

    def _ask(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Have the agent run a verb; return or raise what it returned or raised there."""
        question = {"verb": name, "arguments": verb(name).write_call(arguments, named)}
        line = self._line()
        try:
            line.send(question, self.settings.timeout)
            answer = line.receive(self.settings.timeout)
        except OSError as error:
            line.close()
            raise GatewayUnavailable(
                f"{name}: the DIRAC agent is gone, or hangs: {error}",
                "the next call starts it again if it is gone",
            ) from None
        except BaseException:  # this thread is to end: the answer would be another's
            line.close()
            raise
        with self._lock:
            self._free.append(line)
        for call in answer["calls"]:
            report_call(*call)
        if "error" in answer:
            raise read_error(answer["error"])
        return verb(name).read_answer(answer["value"])

    def _line(self) -> Line:
        """Return a connection that nobody uses."""
        with self._lock:
            while self._free:
                line = self._free.pop()
                if not line.gone:
                    return line
                line.close()
        return connect(self.settings)


def _close(lines: list[Line]) -> None:
    for line in lines:
        line.close()


def _asking(name: str) -> Any:
    def ask(self: AgentGateway, *arguments: Any, **named: Any) -> Any:
        return self._ask(name, arguments, named)

    ask.__name__ = name
    ask.__doc__ = f"See :meth:`ProductionGateway.{name}`."
    return ask


for _name in VERBS:
    setattr(AgentGateway, _name, _asking(_name))
