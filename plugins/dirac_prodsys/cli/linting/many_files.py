"""Checks many files at once, on all processors, in the order given.

Invariant: the same findings in the same order, however many processes there are.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dirac_prodsys.cli.files import leads_nowhere_else, read_bytes, sibling_reader
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

if TYPE_CHECKING:
    from dirac_prodsys.core.dialects import Reading
    from dirac_prodsys.core.plan.values import ProductionPlan
    from dirac_prodsys.core.proof import Report
    from dirac_prodsys.core.site.file import Allowed

#: fewer files than this are checked by the time a second process has begun
ALONE = 50


def check_file(
    path: Path, allowed: Allowed | None = None, *, named: bool = True
) -> tuple[Report, Reading | None]:
    """Return what is found in one file, and the reading itself if it is a production.

    :param allowed: the site's limits; None: the site is not asked.
    :param named: the user named it; otherwise it was found in a folder, and must not be a link that
        leads out.
    """
    from dirac_prodsys.core.proof import Report, read
    from dirac_prodsys.core.proof.findings import Finding
    from dirac_prodsys.core.text.folder_files import LEADS_OUT, NO_TEXT, is_text, readable

    why = ""
    if not is_text(str(path)):
        why, hint = NO_TEXT, "use letters, digits and _ . -"
    elif not named and path.exists() and not leads_nowhere_else(path):
        why, hint = LEADS_OUT, "put the file itself into the folder"
    if why:
        shown = str(path) if is_text(str(path)) else readable(str(path))
        place = {"file": shown, "line": 1, "column": 1, "code": "unreadable"}
        return Report(shown, (Finding.of(DefinitionError(why, hint, **place)),)), None  # type: ignore[arg-type]
    try:
        source = read_bytes(path)
    except DefinitionErrors as errors:
        return Report(str(path), tuple(Finding.of(error) for error in errors.errors)), None
    report, reading = read(source, str(path), read_sibling=sibling_reader(path))
    if reading is not None:
        report = with_time_zone(report, reading)
    if allowed is not None and reading is not None:
        report = within_limits(report, reading, allowed)
    return report, reading


def with_time_zone(report: Report, reading: Reading) -> Report:
    """Add to the report that the schedule's time zone is unknown, if it is.

    The core does not read the time zone database of this machine.
    """
    production = reading.production
    schedule = None if production is None else production.schedule
    if schedule is None or schedule.timezone == "UTC":
        return report
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from dirac_prodsys.core.plan.schedules import unknown_zone
    from dirac_prodsys.core.proof.findings import Finding

    try:
        ZoneInfo(schedule.timezone)
    except ZoneInfoNotFoundError:
        found = Finding.of(reading.at_place(unknown_zone(schedule.timezone)))
        return replace(report, findings=tuple(sorted({*report.findings, found})))
    return report


def within_limits(
    report: Report, reading: Reading, allowed: Allowed, plan: ProductionPlan | None = None
) -> Report:
    """Add to the report what the site does not allow, and what it will ask.

    :param plan: the plan of the production, where more is known than the file says.
    """
    from dirac_prodsys.core.proof import in_words_of_the_file
    from dirac_prodsys.core.proof.findings import Finding
    from dirac_prodsys.core.site import asked, limits

    plan = plan or reading.plan
    if reading.production is None or plan is None:
        return report
    problems = [
        *limits.check(reading.production, plan, allowed.limits),
        *asked.check(reading.production, plan, allowed.site),
    ]
    reported = in_words_of_the_file(problems, plan)
    found = {*report.findings, *(Finding.of(reading.at_place(problem)) for problem in reported)}
    return replace(report, findings=tuple(sorted(found)))


def check_files(
    files: Sequence[Path], allowed: Allowed | None = None, named: Collection[Path] | None = None
) -> Iterator[Report]:
    """Yield what is found in each file by itself.

    :param named: files that the user named, and that were not found in a folder; None: all.
    """
    look = partial(_report, allowed=allowed)
    ways = [(path, named is None or path in named) for path in files]
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if len(files) < ALONE or processors < 2:
        yield from map(look, ways)
        return
    with ProcessPoolExecutor(processors) as pool:
        yield from pool.map(look, ways, chunksize=10)


def _report(way: tuple[Path, bool], allowed: Allowed | None) -> Report:
    path, named = way
    return check_file(path, allowed, named=named)[0]
