"""Looks up the files that a step made, and where they are, for the ledger.

Invariant: reads only, and bounded: some calls for each five hundred files, for a step that made so
many that this takes a few seconds.
"""

from __future__ import annotations

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.policy.counts import good_tasks
from dirac_prodsys.core.reports.dataset_content import StepOutput, by_place
from dirac_prodsys.core.reports.events import events_of
from dirac_prodsys.gateway.protocol import ProductionGateway

#: the files of a step with more tasks, or with more files, are not looked up
MOST_FILES = 10_000


def output_of(
    gateway: ProductionGateway, plan: ProductionPlan, name: str, seen: Snapshot
) -> StepOutput | None:
    """Return the output of a step; None: it has none that can be found, or too much.

    :param seen: its transformation, with its tasks.
    :raises GatewayError: the catalogue does not answer.
    """
    query = plan.step(name).transformation.output_query
    if query is None or good_tasks(seen) > MOST_FILES:
        return None
    lfns = gateway.selected_files(query)
    if len(lfns) > MOST_FILES:
        return None
    files = gateway.describe_files(lfns).values()
    events = events_of(plan, name, {seen.name: seen})
    return StepOutput(len(files), sum(one.size for one in files), by_place(files), events)
