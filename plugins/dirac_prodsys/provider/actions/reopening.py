"""Carries out ``reopen``: a run of the production takes the files that came since.

Invariant: one run for a generation, however often this is repeated: its ID follows from the run
that is reopened and the number in the preview, and Airflow refuses a second run of an ID.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dirac_prodsys.core import naming
from dirac_prodsys.core.actions.preview import PreviewRow
from dirac_prodsys.core.actions.reopening import Came, generations, steps_of_runs
from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.run.generations import Generation
from dirac_prodsys.errors import Conflict
from dirac_prodsys.gateway.procedures.generations import came_since, read_taken
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.waiting.new_runs import begin_run

#: most characters of a run's note in Airflow
_MOST_NOTE = 1000


def came(
    gateway: ProductionGateway, rows: Iterable[PreviewRow], others: Sequence[Listed]
) -> dict[int, Came]:
    """Return what came for completed steps, by transformation.

    :param others: all transformations of their productions.
    """
    found: dict[int, Came] = {}
    for row in rows:
        parts = naming.name_parts(row.name)
        if parts is None or naming.generation_of(parts.run) is not None:
            continue
        last = generations(parts.production, parts.run, others).last
        tags = Generation(parts.run, last + 1, ()).earlier
        names = [naming.transformation_name(parts.production, tag, parts.step) for tag in tags]
        found[row.id] = came_since(gateway, row.id, names)
    return found


def begin(
    gateway: ProductionGateway, row: PreviewRow, acts: Sequence[PreviewRow], note: str
) -> str:
    """Begin the run of a generation; return in words what was done.

    :param row: one of the steps that are reopened.
    :param acts: all rows of the preview that are acted on.
    :raises Conflict: the values of the first run are not known.
    """
    parts = naming.name_parts(row.name)
    kept = read_taken(gateway, row.id)
    if parts is None or row.total is None or kept is None:
        raise Conflict(
            "the values of its run are not known: it was completed by an older version, or by hand",
            "begin a new run of the production",
        )
    same = [one.name for one in acts if _production(one.name) == parts.production]
    steps = steps_of_runs(same)[parts.run]
    generation = Generation(parts.run, row.total, steps)
    run = naming.generation_id(parts.run, row.total)
    conf = {**kept.parameters, **generation.to_conf()}
    new = begin_run(parts.production, run, conf, note[:_MOST_NOTE])
    return f"run {run} {'takes its new files' if new else 'was begun before'}"


def _production(name: str) -> str:
    parts = naming.name_parts(name)
    return "" if parts is None else parts.production
