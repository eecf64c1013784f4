"""Reads the events that began a run: their facts, the run of each, the values of its parameters.

The extra of an event is what its producer wrote: the task that made a dataset, the watcher of a
production, or anybody with access to Airflow's REST API. Here it is data, never text to fill in.

Invariant: pure. The same events give the same values in each task of a run, at each attempt; an
event that came twice gives the same name of a run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core import naming
from dirac_prodsys.core.problems import listed
from dirac_prodsys.core.production.schedule import AssetCondition, EventField, Schedule
from dirac_prodsys.errors import DefinitionError

#: facts of the event of a dataset; ``query.field`` names a condition of its query
DATASET_FACTS = (
    "dataset",
    "files",
    "bytes",
    "events",
    "query",
    "list_checksum",
    "frozen",
    "production",
    "run",
    "step",
)
#: facts of the event of a watcher; each field that it groups by is one more
WATCHER_FACTS = ("files", "each", "production")
#: prefix of the IDs of runs that were begun for one event
RUN_PREFIX = "event"
#: most characters of a value that an ID of a run shows
_SHOWN = 20


@dataclass(frozen=True)
class AssetEvent:
    """An event of Airflow.

    :param uri: of its asset.
    :param extra: what its producer wrote.
    :param at: when Airflow stored it, as ISO 8601.
    """

    uri: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return the facts; Airflow wraps those of a watcher (``Trigger.submit_event``, 3.3)."""
        payload = self.extra.get("payload")
        if self.extra.get("from_trigger") and isinstance(payload, Mapping):
            return payload
        return self.extra

    @property
    def key(self) -> str:
        """Return what makes the event one of its own: equal keys, one run.

        A watcher may send an event twice if a triggerer dies, so the time does not count there.
        """
        each = self.facts.get("each")
        if isinstance(each, Mapping):
            return _json([self.uri, each])
        return _json([self.uri, self.at, self.facts])


def uri_of(vo: str, leaf: AssetCondition | EventField) -> str:
    """Return the URI of the asset of one dataset."""
    if leaf.dataset is not None:
        return naming.dataset_uri(vo, leaf.dataset)
    return naming.asset_uri(vo, str(leaf.production), str(leaf.step))


def once_each(events: Iterable[AssetEvent]) -> list[AssetEvent]:
    """Return the events, oldest first, and of those with the same key the oldest alone."""
    found: dict[str, AssetEvent] = {}
    for event in sorted(events, key=lambda event: event.at):
        found.setdefault(event.key, event)
    return list(found.values())


def run_id_of(event: AssetEvent) -> str:
    """Return the ID of the run of one event: Airflow refuses a second one of that ID.

    It is a run tag as it stands (:func:`.naming.run_tag`).
    """
    digest = hashlib.sha256(event.key.encode()).hexdigest()[:10]
    each = event.facts.get("each")
    words = each.values() if isinstance(each, Mapping) else [event.facts.get("run", "")]
    shown = re.sub(r"[^a-z0-9.]+", "-", "-".join(map(str, words)).lower())[:_SHOWN].strip("-.")
    return "-".join(filter(None, (RUN_PREFIX, shown, digest)))


def values_of(schedule: Schedule, vo: str, events: Sequence[AssetEvent]) -> dict[str, Any]:
    """Return the values of the parameters that events give; without events, none.

    They are checked where those that a person gives are checked.

    :param events: those that the run is about; the newest with the field counts.
    :raises DefinitionError: no event has the field.
    """
    if not events:
        return {}
    newest = sorted(events, key=lambda event: event.at, reverse=True)
    return {
        name: _value(name, wanted, vo, newest)
        for name, wanted in schedule.parameters_from_event.items()
    }


def _value(name: str, wanted: EventField, vo: str, events: Sequence[AssetEvent]) -> Any:
    if wanted.dataset is not None or wanted.production is not None:
        uri = uri_of(vo, wanted)
        events = [event for event in events if event.uri == uri]
    for event in events:
        found = fact(event.facts, wanted.field)
        if found is not None:
            return found
    known = sorted({key for event in events for key in (*event.facts, *_each(event.facts))})
    raise DefinitionError(
        f"parameter {name!r}: the event has no field {wanted.field!r}", listed(known)
    )


def fact(facts: Mapping[str, Any], name: str) -> Any:
    """Return a fact, the value of a field that a watcher groups by, or of ``query.field``.

    None: there is none, or it is not one value.
    """
    if name in _each(facts):
        return _one(facts["each"][name])
    if name in facts:
        return _one(facts[name])
    head, _, rest = name.partition(".")
    inner = facts.get(head)
    return _one(inner.get(rest)) if rest and isinstance(inner, Mapping) else None


def _each(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    each = facts.get("each")
    return each if isinstance(each, Mapping) else {}


def _one(value: Any) -> Any:
    """Return one value of a fact; a condition of a query that names one value is that value."""
    if isinstance(value, Mapping) and set(value) in ({"="}, {"in"}):
        (value,) = value.values()
    if isinstance(value, list | tuple) and len(value) == 1:
        (value,) = value
    return value if isinstance(value, bool | int | float | str) else None


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
