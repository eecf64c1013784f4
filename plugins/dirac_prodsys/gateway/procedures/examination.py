"""Asks a grid all that doctor looks at, side by side.

Invariant: read-only. Each question has the connection's timeout, and none waits for another: a
service that hangs costs its own facts and no other's. An error becomes a fact that is missing, with
the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from dirac_prodsys.core.doctor.access import NEEDED, USEFUL
from dirac_prodsys.core.doctor.facts import (
    GridFacts,
    GridWork,
    LeftFiles,
    LiveTransformation,
    Missing,
    ServiceAnswer,
)
from dirac_prodsys.core.doctor.grid_settings import SECTIONS, GridSettings
from dirac_prodsys.core.doctor.needs import WORKED_ON
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.errors import GatewayError, GatewayUnavailable
from dirac_prodsys.gateway.protocol import ProductionGateway

T = TypeVar("T")

#: seconds after which waiting work is held against an agent
PATIENCE = 1800.0

#: transformations whose query is compared with what is attached, the last changed first
_COMPARED = 20
#: questions at a time
_THREADS = 8

_NOBODY = Missing("there is no configuration of the grid")


def examine(gateway: ProductionGateway, patience: float = PATIENCE) -> GridFacts:
    """Return all that is known of a grid.

    :param patience: seconds after which waiting work is held against an agent.
    """
    settings = gateway.settings
    facts = GridFacts(settings.group, settings.vo, settings.agent_cycle, now=time.time())
    options = _fact(lambda: gateway.configured_options(SECTIONS))
    facts = replace(facts, options=options, proxy=_fact(gateway.proxy_facts))
    if isinstance(options, Missing):
        return _without_grid(facts)
    facts = replace(facts, authorities=_fact(gateway.authorities))
    vo = settings.vo or ""
    with ThreadPoolExecutor(_THREADS, "doctor") as threads:

        def ask(question: Callable[[], T]) -> Future[T | Missing]:
            return threads.submit(_fact, question)

        answers = {name: ask(_ping(gateway, name)) for name in (*NEEDED, *USEFUL)}
        identity, inventory = ask(gateway.caller), ask(gateway.inventory)
        delegated, installed = ask(gateway.delegated_until), ask(gateway.installed_agents)
        live = ask(gateway.live_transformations)
        services = {name: answer.result() for name, answer in answers.items()}
        now = _clock(services, facts.now)
        requests = ask(lambda: gateway.request_traces(now - patience))
        there = live.result()
        if isinstance(there, Missing):
            work: GridWork | Missing = there
        else:
            work = _fact(lambda: _work(gateway, GridSettings(options, vo), there, now, patience))
        return replace(
            facts,
            now=now,
            identity=identity.result(),
            services=services,
            inventory=inventory.result(),
            work=work,
            requests=requests.result(),
            installed=installed.result(),
            delegated=delegated.result(),
        )


def _fact(question: Callable[[], T]) -> T | Missing:
    try:
        return question()
    except GatewayError as error:
        return Missing(error.reason, outage=isinstance(error, GatewayUnavailable))


def _without_grid(facts: GridFacts) -> GridFacts:
    """Return the facts of a grid of which not even the configuration is known."""
    return replace(
        facts,
        authorities=_NOBODY,
        identity=_NOBODY,
        inventory=_NOBODY,
        work=_NOBODY,
        requests=_NOBODY,
        installed=_NOBODY,
        delegated=_NOBODY,
        services=dict.fromkeys((*NEEDED, *USEFUL), _NOBODY),
    )


def _ping(gateway: ProductionGateway, service: str) -> Callable[[], ServiceAnswer]:
    return lambda: gateway.service_answer(service)


def _clock(services: dict[str, ServiceAnswer | Missing], ours: float) -> float:
    """Return the clock of the TransformationManager: its times are compared with it."""
    answer = services.get(NEEDED[0])
    if isinstance(answer, Missing) or answer is None or not answer.clock:
        return ours
    return answer.clock


def _work(
    gateway: ProductionGateway,
    settings: GridSettings,
    live: tuple[LiveTransformation, ...],
    now: float,
    patience: float,
) -> GridWork:
    """Return what waits for the agents of the Transformation System."""
    before = now - patience
    worked_on = [one for one in live if one.status in WORKED_ON and one.agent_type == "Automatic"]
    requests = [one.id for one in worked_on if settings.is_request(one.type)]
    jobs = [one.id for one in worked_on if not settings.is_request(one.type)]
    active = [one for one in live if one.status == str(TransformationStatus.ACTIVE)]
    named = {one.id: one for one in active}
    compared = {one.id: gateway.unattached_files(one.id, before) for one in active[:_COMPARED]}
    unused = gateway.unused_files(list(named), before)
    elements = max(1, len(gateway.inventory().storage_elements))
    with_files = [one.id for one in live if one.type not in settings.extendable]
    return GridWork(
        patience=patience,
        transformations=live,
        jobs=gateway.task_traces(jobs, before),
        requests=gateway.task_traces(requests, before),
        with_input=gateway.task_traces(with_files, before),
        attached=gateway.newest_attached(with_files),
        cleaned=gateway.newest_cleaned(),
        unattached=tuple(
            LeftFiles(named[number].name, files) for number, files in compared.items() if files
        ),
        unused=tuple(
            LeftFiles(named[number].name, files)
            for number, files in sorted(unused.items())
            if named[number].plugin == "Standard" and files > _left_over(named[number], elements)
        ),
    )


def _left_over(one: LiveTransformation, elements: int) -> float:
    """Return how many files may stay without a group: too few at each storage element."""
    return max(0.0, one.group_size - 1) * elements
