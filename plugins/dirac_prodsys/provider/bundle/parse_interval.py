"""Keeps Airflow's DAG processor to its interval after it has run a callback.

Airflow runs a callback, for instance of a task whose worker died, with the version of its run. The
DAG processor of Airflow 3.3 keeps the statistics of that under a key of its own, without a time,
and takes them for those of the file: it parses the file in every turn of its loop, a processor at
full load, until it is started again (apache/airflow#73432, open in November 2026).

Invariant: only statistics of callbacks are dropped, and nothing else in Airflow is changed.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

log = logging.getLogger(__name__)


@functools.cache
def keep_interval() -> None:
    """Let this process forget callbacks before it chooses what to parse; the first call does it."""
    try:
        from airflow.dag_processing.manager import DagFileProcessorManager

        choose = DagFileProcessorManager.prepare_file_queue
    except (ImportError, AttributeError):  # an Airflow that works otherwise
        log.debug("the DAG processor is left as it is", exc_info=True)
        return

    @functools.wraps(choose)
    def prepare_file_queue(manager: Any, *given: Any, **named: Any) -> None:
        statistics = manager._file_stats
        for file in [file for file in statistics if getattr(file, "bundle_version", None)]:
            del statistics[file]
        choose(manager, *given, **named)

    DagFileProcessorManager.prepare_file_queue = prepare_file_queue
