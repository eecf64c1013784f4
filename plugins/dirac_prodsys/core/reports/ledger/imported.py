"""Makes records of transformations that the ledger did not see being made: ``history import``.

A transformation of ours keeps production, run and step of its name. Another one belongs to the
production that a person names, else to its TransformationGroup; it has no run, and its step is its
name.

Invariant: pure; taken in twice, a transformation gives the same step record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.naming import SEPARATOR, WILD, name_parts, registered_name
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.ledger.made_from import Place, counts_of, place_of_name
from dirac_prodsys.core.reports.ledger.records import CountsRecord, StepRecord
from dirac_prodsys.core.reports.run_list import own
from dirac_prodsys.errors import NotFound


def chosen(texts: Iterable[str], listed: Sequence[Listed]) -> list[Listed]:
    """Return the transformations that a person names, by ID; each once.

    :param texts: IDs, names or patterns of transformations or of TransformationGroups,
        ``PRODUCTION/STEP``, or ``PRODUCTION__RUN``.
    :param listed: all transformations of the grid.
    :raises NotFound: one of them means nothing.
    """
    found: dict[int, Listed] = {}
    for text in texts:
        meant = [one for one in listed if _is_meant(text, one)]
        if not meant:
            raise NotFound(
                f"the grid has no transformation {text}",
                "give its ID, its name, its TransformationGroup, or a quoted pattern: 'gamma*'",
            )
        found.update((one.id, one) for one in meant)
    return [found[number] for number in sorted(found)]


def _is_meant(text: str, one: Listed) -> bool:
    if text.isdigit():
        return one.id == int(text)
    if fnmatchcase(one.name, text) or fnmatchcase(one.group, text):
        return True
    parts = name_parts(one.name) if own([one]) else None
    if parts is None:
        return False
    production, slash, step = text.partition("/")
    if slash:
        return fnmatchcase(parts.production, production) and fnmatchcase(parts.step, step)
    is_run = SEPARATOR in text and not WILD & set(text)
    return is_run and text == registered_name(parts.production, parts.run)


def place_of(one: Listed, vo: str, production: str = "") -> Place:
    """Return where a transformation belongs.

    :param vo: that of who looks, for an author's group that has none.
    :param production: name in DIRAC's ProductionSystem, for one that is not ours; empty: unknown.
    """
    place = Place(one.vo or vo)
    if own([one]):
        return place_of_name(place, one.id, one.name)
    return Place(
        place.vo, production or one.group, step=one.name, transformation=one.id, name=one.name
    )


def imported_step(
    one: Listed,
    seen: Snapshot | None,
    place: Place,
    now: datetime,
    *,
    query: MetaQuery | None = None,
    output_query: MetaQuery | None = None,
    dataset: str = "",
) -> StepRecord:
    """Return the step of a transformation; its moment is that of its creation, where known.

    :param seen: None: the grid has no counts of it.
    :param dataset: full path of the dataset of its files; empty: none.
    """
    return StepRecord(
        at=_created(one.created) or now,
        type=one.type,
        plugin=one.plugin,
        group_size=seen.group_size if seen is not None and seen.group_size else None,
        tasks=(seen.max_tasks or None) if seen is not None and query is None else None,
        query={} if query is None else query.to_dirac(),
        output_query={} if output_query is None else output_query.to_dirac(),
        dataset=dataset,
        events_per_file=one.events_per_task or None,
        origin="import",
        **place.to_dict(),
    )


def imported_counts(
    seen: Snapshot, place: Place, now: datetime, last: CountsRecord | None
) -> CountsRecord | None:
    """Return the counts; None: the ledger has them, or better ones.

    Those of a Completed transformation are final. DIRAC forgets tasks and files when it archives
    one: what the ledger has of it then is better.

    :param last: the newest counts that the ledger has.
    """
    final = seen.status == TransformationStatus.COMPLETED
    # two who import at once read the same last counts, and write one record
    occasion = f"import {'' if last is None else last.key}"
    counts = counts_of(seen, place, now, final=final, occasion=occasion)
    if last is None:
        return counts
    if last.final or (seen.status == TransformationStatus.ARCHIVED and not seen.tasks):
        return None
    return None if counts.same_as(last) and counts.final == last.final else counts


def _created(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
