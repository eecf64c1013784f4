"""Defines what doctor asks a gateway: how the grid is set up, and whether its agents work.

Invariant: every verb only reads, needs no more than a proxy of a production group, and says by its
error why a fact is not there: ``GatewayUnavailable`` for an outage, any other for a fact that this
grid or this proxy does not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from dirac_prodsys.core.doctor.facts import (
    Authorities,
    Caller,
    LiveTransformation,
    ProxyFacts,
    RequestTraces,
    ServiceAnswer,
    TaskTraces,
)


class ExaminationVerbs(Protocol):
    """The verbs that look at a grid itself, beside those of productions."""

    def configured_options(self, sections: Sequence[str]) -> Mapping[str, str]:
        """Return all options below these sections of the configuration, by their path."""

    def proxy_facts(self) -> ProxyFacts:
        """Return what this machine knows of our proxy; no call.

        :raises GatewayDenied: there is none, or it cannot be read.
        """

    def authorities(self) -> Authorities:
        """Return the directory of CA certificates that we trust.

        :raises GatewayDenied: there is none.
        """

    def caller(self) -> Caller:
        """Return who the grid takes us for."""

    def service_answer(self, service: str) -> ServiceAnswer:
        """Ping one service.

        :raises GatewayRejected: the configuration names no URL for it.
        """

    def delegated_until(self) -> float:
        """Return when our proxy in the ProxyManager is over; 0: there is none."""

    def live_transformations(self) -> tuple[LiveTransformation, ...]:
        """Return the transformations with which agents have something to do; the newest ones."""

    def task_traces(self, transformations: Sequence[int], before: float) -> TaskTraces:
        """Return what waits in the tasks of these transformations, and what was done last.

        :param before: a moment; only tasks from before it count as waiting.
        """

    def newest_attached(self, transformations: Sequence[int]) -> float:
        """Return when a file was last attached to any of these; 0: never."""

    def newest_cleaned(self) -> float:
        """Return when a transformation was last cleaned or archived; 0: never."""

    def unused_files(self, transformations: Sequence[int], before: float) -> Mapping[int, int]:
        """Return how many files are Unused since before a moment, by transformation."""

    def unattached_files(self, transformation: int, before: float) -> int:
        """Return how many files from before a moment the input query finds beyond the attached.

        It is 0 for a transformation without query. If files are attached that the query does not
        find, fewer are counted than there are.
        """

    def request_traces(self, since: float) -> RequestTraces:
        """Return which request is Waiting for longest, and whether any has ended since a moment."""

    def installed_agents(self) -> frozenset[str]:
        """Return the modules of agents that some host has, as ComponentMonitoring knows them."""
