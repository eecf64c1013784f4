"""Checks that each agent is at work: by what waits for it, and by what it did last.

A proxy of a production group cannot ask an agent. It sees two things: work that waits and the
traces of work that was done, in TransformationManager and ReqManager; and the agents that are
installed, in ComponentMonitoring, which not every grid has. An agent for which nothing waits may
stand still without a sign.

Invariant: an agent is held to stand still only if work waits for it for longer than the patience
and it left no trace since then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dirac_prodsys.core.doctor import grid_settings as agents
from dirac_prodsys.core.doctor.check import Check, Severity, Trouble
from dirac_prodsys.core.doctor.facts import (
    Facts,
    GridFacts,
    GridWork,
    Missing,
    NotThere,
    TaskTraces,
    known,
)
from dirac_prodsys.core.doctor.grid_settings import GridSettings, grid_of, settings_of
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.text.wording import clock, counted, span

#: cycles of an agent that may go by without a trace
_CYCLES = 10
#: seconds between two cycles if the configuration does not say (``ConfigTemplate.cfg``)
_POLLING = {agents.CLEANING: 3600.0}
_USUAL_POLLING = 120.0

_FLUSH, _CLEANING = str(TransformationStatus.FLUSH), str(TransformationStatus.CLEANING)


def patience_of(settings: GridSettings, agent: str, patience: float) -> float:
    """Return the seconds after which waiting work is held against an agent."""
    polls = [_polling(one.value("PollingTime"), agent) for one in settings.agents(agent)]
    return max(patience, _CYCLES * max(polls, default=_polling("", agent)))


def _polling(written: str, agent: str) -> float:
    try:
        return float(written)
    except ValueError:
        return _POLLING.get(agent, _USUAL_POLLING)


def _since(grid: GridFacts, oldest: float, last: float) -> str:
    """Write since when work waits, and when the agent did something last."""
    words = f"since {clock(oldest, grid.now)} ({span(grid.now - oldest)})"
    if last:
        return f"{words}; the last trace of it is of {clock(last, grid.now)}"
    return f"{words}; there is no trace of it"


def _input_data(facts: Facts, agent: str) -> Iterator[Trouble]:
    grid = grid_of(facts)
    work = known(grid.work)
    if grid.now - work.attached < patience_of(settings_of(facts), agent, work.patience):
        return
    for one in work.unattached:
        last = f"; one was attached last at {clock(work.attached, grid.now)}"
        yield Trouble(
            f"{agent} stands still: {counted(one.files, 'file')} of {one.name} are older than "
            f"{span(work.patience)} and not attached{last if work.attached else ''}"
        )


def _transformation(facts: Facts, agent: str) -> Iterator[Trouble]:
    grid = grid_of(facts)
    work = known(grid.work)
    limit = patience_of(settings_of(facts), agent, work.patience)
    waiting = [t for t in work.transformations if t.status == _FLUSH]
    late = [t for t in waiting if grid.now - t.changed > limit]
    if late and grid.now - work.with_input.made > limit:
        first = min(late, key=lambda one: one.changed)
        yield Trouble(
            f"{agent} stands still: {first.name} is to be flushed "
            f"{_since(grid, first.changed, work.with_input.made)}"
        )
    elif grid.now - work.with_input.made > limit:
        for one in work.unused:
            yield Trouble(
                f"{agent} stands still, or cannot use {counted(one.files, 'file')} of {one.name}: "
                f"they are Unused for more than {span(work.patience)} and make no task",
                f"ask who runs the grid to look at Transformation/{agent}; the files may have no "
                "replica on a storage element that is in use",
            )


def _submitting(
    traces: Callable[[GridWork], TaskTraces],
) -> Callable[[Facts, str], Iterator[Trouble]]:
    def find(facts: Facts, agent: str) -> Iterator[Trouble]:
        grid = grid_of(facts)
        work = known(grid.work)
        limit = patience_of(settings_of(facts), agent, work.patience)
        seen = traces(work)
        late = seen.waiting and seen.oldest and grid.now - seen.oldest > limit
        if late and grid.now - seen.moved > limit:
            yield Trouble(
                f"{agent} stands still: {counted(seen.waiting, 'task')} are Created "
                f"{_since(grid, seen.oldest, seen.moved)}"
            )

    return find


def _cleaning(facts: Facts, agent: str) -> Iterator[Trouble]:
    grid = grid_of(facts)
    work = known(grid.work)
    limit = patience_of(settings_of(facts), agent, work.patience)
    for one in work.transformations:
        if one.status == _CLEANING and grid.now - one.changed > limit:
            yield Trouble(
                f"{one.name} is Cleaning since {clock(one.changed, grid.now)} "
                f"({span(grid.now - one.changed)}): {agent} stands still, or fails on it"
            )


def _executing(facts: Facts, agent: str) -> Iterator[Trouble]:
    grid = grid_of(facts)
    seen = known(grid.requests)
    patience = known(grid.work).patience
    limit = patience_of(settings_of(facts), agent, patience)
    if seen.oldest and grid.now - seen.oldest > limit and not seen.ended:
        yield Trouble(
            f"{agent} stands still: a request is Waiting {_since(grid, seen.oldest, 0)}, and none "
            f"has ended for {span(patience)}"
        )


_WORK: dict[str, Callable[[Facts, str], Iterator[Trouble]]] = {
    agents.INPUT_DATA: _input_data,
    agents.TRANSFORMATION: _transformation,
    agents.WORKFLOW_TASK: _submitting(lambda work: work.jobs),
    agents.REQUEST_TASK: _submitting(lambda work: work.requests),
    agents.REQUEST_EXECUTING: _executing,
    agents.CLEANING: _cleaning,
}


_TRACES: dict[str, Callable[[GridWork], float]] = {
    agents.INPUT_DATA: lambda work: work.attached,
    agents.TRANSFORMATION: lambda work: work.with_input.made,
    agents.WORKFLOW_TASK: lambda work: work.jobs.moved,
    agents.REQUEST_TASK: lambda work: work.requests.moved,
    agents.CLEANING: lambda work: work.cleaned,
}


def _last_seen(agent: str) -> Callable[[Facts], str]:
    """Return what says when an agent did something last, though nothing waits for it."""

    def seen(facts: Facts) -> str:
        grid = grid_of(facts)
        if agent not in _TRACES:
            ended = known(grid.requests).ended
            return f"{agent}: {'a request has' if ended else 'no request has'} ended lately"
        last = _TRACES[agent](known(grid.work))
        if not last:
            return f"{agent}: nothing waits for it, and there is no trace of it"
        ago = span(max(0.0, grid.now - last))
        return f"{agent}: its last trace is of {clock(last, grid.now)}, {ago} ago"

    return seen


def _at_work(agent: str) -> Callable[[Facts], Iterator[Trouble]]:
    return lambda facts: _WORK[agent](facts, agent)


def _installed(facts: Facts) -> Iterator[Trouble]:
    there = known(grid_of(facts).installed)
    if not there & agents.SYSTEMS.keys():
        raise NotThere(Missing("ComponentMonitoring knows none of these agents"))
    for agent in agents.SYSTEMS:
        if agent not in there:
            yield Trouble(f"no host has {agent} installed, as ComponentMonitoring says")


def _switched_on(facts: Facts) -> Iterator[Trouble]:
    settings = settings_of(facts)
    if not any(settings.agents(module) for module in agents.SYSTEMS):
        raise NotThere(Missing("the configuration has no section of these agents"))
    for module in agents.SYSTEMS:
        for one in settings.agents(module):
            if (status := one.value("Status", "Active")).lower() != "active":
                yield Trouble(f"{one.name} has Status = {status} and ends at once")
            if "SubmitTasks" in one.options and not one.options["SubmitTasks"]:
                yield Trouble(f"{one.name} submits nothing: its SubmitTasks is there and empty")
    for one in settings.agents(agents.CLEANING):
        flag = one.value("EnableFlag", "True")
        if flag != "True":
            yield Trouble(f"{one.name} does nothing: EnableFlag = {flag}, and only True counts")


_DOES = {
    agents.INPUT_DATA: "files that are found are attached",
    agents.TRANSFORMATION: "files become tasks, and flushes are carried out",
    agents.WORKFLOW_TASK: "tasks become jobs",
    agents.REQUEST_TASK: "tasks become requests",
    agents.REQUEST_EXECUTING: "requests are carried out",
    agents.CLEANING: "transformations are cleaned",
}
#: agents without which only some productions stop
_LESS: dict[str, Severity] = {agents.CLEANING: "warning"}

#: code of the check of an agent
CODES = {
    agents.INPUT_DATA: "input-data-agent",
    agents.TRANSFORMATION: "transformation-agent",
    agents.WORKFLOW_TASK: "workflow-task-agent",
    agents.REQUEST_TASK: "request-task-agent",
    agents.REQUEST_EXECUTING: "request-executing-agent",
    agents.CLEANING: "cleaning-agent",
}

CHECKS = (
    *(
        Check(
            CODES[agent],
            f"{agent} leaves nothing undone: {does}",
            _LESS.get(agent, "error"),
            _at_work(agent),
            f"ask who runs the grid to look at {agents.SYSTEMS[agent]}/{agent}: is it running, and "
            "what does its log say",
            _last_seen(agent),
        )
        for agent, does in _DOES.items()
    ),
    Check(
        "agents-installed",
        "some host has each agent that productions need",
        "error",
        _installed,
        "let whoever runs the grid install it: `install agent SYSTEM AGENT` in "
        "dirac-admin-sysadmin-cli",
    ),
    Check(
        "agents-switched-on",
        "no agent is switched off by its options",
        "error",
        _switched_on,
        "let the grid's manager change the option in the agent's section",
    ),
)
