"""Tells what happened to a run, a line for each record.

Invariant: pure; people's and jobs' words stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    ActionRecord,
    ActRecord,
    CommentRecord,
    DatasetRecord,
    DriftRecord,
    EventRecord,
    NoticeRecord,
    RunRecord,
    VerdictRecord,
)
from dirac_prodsys.core.reports.page.answers.common import Colour
from dirac_prodsys.core.reports.page.answers.production import StoryLine
from dirac_prodsys.core.text.wording import counted, one_line

#: most lines of a story, the newest
MOST = 500

_RUN_COLOURS: dict[str, Colour] = {"completed": "green", "failed": "red", "cut short": "gray"}


def story(records: Iterable[Record]) -> tuple[StoryLine, ...]:
    """Return the lines, the newest first."""
    lines = [line for line in map(_line, records) if line is not None]
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True)[:MOST])


def _line(record: Record) -> StoryLine | None:
    match record:
        case RunRecord():
            began = record.state == "began"
            reason = f": {record.reason}" if record.reason else ""
            colour = "gray" if began else _RUN_COLOURS[record.state]
            return _said(record, "run", f"{record.state}{reason}", colour, record.by)
        case ActRecord() if record.phase == "after":
            reason = f": {record.reason}" if record.reason else ""
            return _said(record, "act", f"{record.act}{reason}", "blue")
        case VerdictRecord():
            words = record.alarm or record.reason
            colour = "red" if record.about == "needs_person" or record.verdict == "fail" else "gray"
            return _said(record, "verdict", f"{record.verdict}: {words}", colour)
        case ActionRecord() if record.phase == "after":
            kind = "answer" if record.action == "answer" else "action"
            what = record.text if kind == "answer" else record.action
            why = f" ({record.reason})" if record.reason else ""
            return _said(record, kind, f"{what}{why}: {record.result}", "purple", record.by)
        case NoticeRecord():
            to = f" to {', '.join(record.to)}" if record.to else ""
            return _said(record, "notice", f"{record.notice}{to}: {record.text}", "orange")
        case EventRecord():
            return _said(record, "event", record.text, "gray")
        case DatasetRecord():
            files = "" if record.files is None else f", {counted(record.files, 'file')}"
            state = "retired" if record.retired else "frozen" if record.frozen else "made"
            return _said(record, "dataset", f"{record.dataset}: {state}{files}", "green")
        case CommentRecord():
            about = f" about {record.dataset}" if record.dataset else ""
            words = record.text or "the comment before is withdrawn"
            return _said(record, "comment", f"comment{about}: {words}", "cyan", record.by)
        case DriftRecord():
            words = record.text or f"{record.subject}: {record.what} differs"
            return _said(record, "drift", words, "orange")
    return None


def _said(record: Record, kind: str, text: str, colour: Colour, by: str = "") -> StoryLine:
    return StoryLine(
        at=record.at,
        kind=kind,
        step=record.step,
        by=by,
        text=one_line(text, 2000),
        colour=colour,
    )
