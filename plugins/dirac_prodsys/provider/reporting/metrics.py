"""Reports numbers about productions to Airflow's metrics: StatsD, or OpenTelemetry.

Airflow's own settings decide whether, and where to (``[metrics] statsd_on``, ``otel_on``). Where
the receiver knows no tags (StatsD without ``statsd_influxdb_enabled``), their values are part of
the name: ``dirac_prodsys.waits.dirac_default.stalled``.

Invariant: nothing here breaks or delays what it reports on. The names, units and tags are those of
:data:`METRICS`; no tag holds the name of a production, a run, a step or a file, so their number
stays small.
"""

from __future__ import annotations

import functools
import importlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats

from dirac_prodsys.core.naming import name_parts
from dirac_prodsys.core.reports.state_line import StateKind
from dirac_prodsys.errors import GatewayDenied
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.watched_calls import watch_calls

log = logging.getLogger(__name__)

#: what all names begin with, after Airflow's own prefix
PREFIX = "dirac_prodsys"

#: the states of a wait; of the waits of a run, the first of these is the state of the run
STATES: tuple[StateKind, ...] = (
    "asks", "failed", "stopped", "stalled", "failing", "outage", "waiting", "ended",
)  # fmt: skip

#: most transformations of which the processed files are remembered
_REMEMBERED = 20_000


@dataclass(frozen=True)
class Metric:
    """One row of the table of metrics.

    :param tags: names of its tags, in the order in which they stand in a name.
    :param by: the process that reports it.
    """

    name: str
    type: Literal["gauge", "counter", "timer"]
    unit: str
    tags: tuple[str, ...]
    by: str
    about: str


METRICS: Mapping[str, Metric] = {
    each.name: each
    for each in (
        Metric(
            "waits", "gauge", "transformations", ("connection", "state"), "triggerer",
            "transformations that a triggerer waits for, by what the policy makes of them",
        ),
        Metric(
            "productions", "gauge", "runs", ("connection", "state"), "triggerer",
            "runs of productions with such a wait, by the worst state among their waits",
        ),
        Metric(
            "last_look_age", "gauge", "seconds", ("connection",), "triggerer",
            "time since the grid last answered a look at all that is waited for",
        ),
        Metric(
            "looks", "counter", "looks", ("connection", "result"), "triggerer",
            "looks at all that is waited for; result is ok or outage",
        ),
        Metric(
            "files_processed", "counter", "files", ("connection",), "triggerer",
            "input files that became Processed while a triggerer waited for their transformation",
        ),
        Metric(
            "proxy_lifetime", "gauge", "seconds", ("connection",), "triggerer",
            "time until the proxy of a connection expires; 0 or less: there is no valid one",
        ),
        Metric(
            "rpc", "timer", "milliseconds", ("service",), "triggerer, worker",
            "duration of a call of one of DIRAC's services, answered or not",
        ),
        Metric(
            "rpc_failures", "counter", "calls", ("service", "kind"), "triggerer, worker",
            "calls that failed; kind is unavailable or denied",
        ),
        Metric(
            "bundle_refresh", "timer", "milliseconds", ("bundle",), "dag-processor",
            "duration of a refresh of a bundle, changed or not",
        ),
        Metric(
            "production_files", "gauge", "files", ("bundle", "state"), "dag-processor",
            "productions of a bundle; state is good or retired, or broken: a file with an error",
        ),
    )
}  # fmt: skip


def gauge(name: str, value: float, **tags: str) -> None:
    """Report the present value of a metric."""
    _send(name, tags, lambda stat, **more: stats.gauge(stat, value, **more))


def count(name: str, number: int = 1, **tags: str) -> None:
    """Add to a counter."""
    _send(name, tags, lambda stat, **more: stats.incr(stat, number, **more))


def timing(name: str, seconds: float, **tags: str) -> None:
    """Report how long something took."""
    taken = timedelta(seconds=seconds)
    _send(name, tags, lambda stat, **more: stats.timing(stat, taken, **more))


def report_calls() -> None:
    """Report each call of DIRAC's services that this process makes."""
    if _form():
        watch_calls(_report_call)


def proxy_lifetime(settings: GatewaySettings) -> float | None:
    """Return the seconds for which a connection's proxy is valid; None: it has none, or unknown.

    It may take as long as a call.
    """
    if not _form() or settings.backend == "memory":
        return None
    try:
        return open_gateway(settings).proxy_facts().ends - time.time()
    except GatewayDenied:
        return 0.0  # a missing or unreadable proxy helps no more than one that has expired


def _report_call(service: str, seconds: float, failure: str) -> None:
    name = service.rpartition("/")[2]
    timing("rpc", seconds, service=name)
    if failure:
        count("rpc_failures", service=name, kind=failure)


class Waits:
    """The waits of one connection in this process, and what of them was counted.

    :param connection: ID of the connection.
    """

    def __init__(self, connection: str) -> None:
        self.connection = connection
        #: wait → name of its transformation, and state
        self._waits: dict[object, tuple[str, StateKind]] = {}
        #: transformation → files that were Processed at the last look
        self._processed: dict[int, int] = {}

    def set(self, wait: object, name: str, state: StateKind) -> None:
        """Note the state of a wait; any object stands for it."""
        self._waits[wait] = (name, state)

    def end(self, wait: object) -> None:
        """Forget a wait that has ended."""
        self._waits.pop(wait, None)

    def processed(self, transformation: int, files: int, at_begin: int) -> None:
        """Count the files that became Processed since the last look at a transformation.

        :param files: number of files that are Processed.
        :param at_begin: how many were when the wait began; for the first look.
        """
        before = self._processed.pop(transformation, at_begin)
        self._processed[transformation] = files
        if len(self._processed) > _REMEMBERED:
            self._processed.pop(next(iter(self._processed)))
        if files > before:
            count("files_processed", files - before, connection=self.connection)

    def report(self) -> None:
        """Report how many waits and runs there are in each state, zero included."""
        waits = self._waits.values()
        for metric, states in (
            ("waits", Counter(state for _, state in waits)),
            ("productions", Counter(_states_of_runs(waits).values())),
        ):
            for state in STATES:
                gauge(metric, states[state], connection=self.connection, state=state)


@functools.cache
def waits_of(connection: str) -> Waits:
    """Return the waits of a connection in this process."""
    return Waits(connection)


def _states_of_runs(waits: Iterable[tuple[str, StateKind]]) -> dict[tuple[str, str], StateKind]:
    """Map each run, by production and tag, to the worst state among its waits."""
    found: dict[tuple[str, str], StateKind] = {}
    for name, state in waits:
        parts = name_parts(name)
        run = (name, "") if parts is None else (parts.production, parts.run)
        found[run] = min(state, found.get(run, state), key=STATES.index)
    return found


def _send(name: str, tags: Mapping[str, str], send: Callable[..., Any]) -> None:
    form = _form()
    if not form:
        return
    stat, values = f"{PREFIX}.{name}", {tag: tags[tag] for tag in METRICS[name].tags}
    try:
        if form == "tags":
            send(stat, tags=values)
        else:
            send(".".join([stat, *map(_in_a_name, values.values())]))
    except Exception:
        log.debug("%s is not reported", stat, exc_info=True)


def _in_a_name(value: str) -> str:
    """Return a value as one part of a name."""
    return str(stats.normalize_name_for_stats(value, log_warning=False)).replace(".", "_")


@functools.cache
def _form() -> Literal["", "tags", "name"]:
    """Return where tags stand; empty: Airflow reports no metrics."""
    datadog, statsd, otel, influx = (
        conf.getboolean("metrics", option, fallback=False)
        for option in ("statsd_datadog_enabled", "statsd_on", "otel_on", "statsd_influxdb_enabled")
    )
    if not (datadog or statsd or otel):
        return ""
    # Airflow sets up the SDK's metrics when this is loaded; in the DAG processor nothing else does
    importlib.import_module("airflow.sdk.serde")
    return "name" if statsd and not datadog and not influx else "tags"
