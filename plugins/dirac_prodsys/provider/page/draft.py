"""Makes what the page shows of a production that is being written: findings, graph and plan.

Invariant: pure. The findings are those of ``dirac-prodsys lint``, the plan is that of
``dirac-prodsys plan``: both come from the same code.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable

from dirac_prodsys.core.community import built_in
from dirac_prodsys.core.dialects import DUMMY_RUN, RUN, Reading
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.proof import Report, read
from dirac_prodsys.core.proof.findings import Finding
from dirac_prodsys.core.reports.page.answers.draft import (
    DraftAnswer,
    DraftFinding,
    PlannedRow,
    PlannedStep,
)
from dirac_prodsys.core.reports.page.definition import Definition
from dirac_prodsys.core.reports.page.graph import edges, nodes
from dirac_prodsys.core.reports.plan_words import step_rows
from dirac_prodsys.core.text.wording import counted

#: name of the text in findings
FILE = "new.yaml"
_ALONE = "no other file is read here: write it out, or put both files into the folder"


def draft(text: str, now: float) -> tuple[DraftAnswer, Reading | None]:
    """Check a text; return also its reading, None if it is no production.

    Other files are not read: what a text takes from them is an error here.

    :param now: seconds since the epoch.
    """
    for words, pattern in _apart().items():
        if (found := pattern.search(text)) is not None:
            line = text.count("\n", 0, found.start()) + 1
            return _answer("", [_unread(words, line)]), None
    report, reading = read(text, FILE, read_sibling=lambda _name: None)
    return draft_of(report, reading, now), reading


def draft_of(report: Report, reading: Reading | None, now: float) -> DraftAnswer:
    """Return the answer for a text that was read."""
    production = None if reading is None else reading.production
    plan = None if reading is None else reading.plan
    name = "" if production is None else production.name
    found = [_finding(one) for one in report.findings]
    if production is None or plan is None:
        return _answer(name, found)
    definition, form = Definition(production, plan), plan.to_dict()
    made = _answer(name, found).model_copy(
        update={
            "nodes": nodes(None, form, definition, now),
            "edges": edges(None, form, definition),
            "steps": _steps(plan),
        }
    )
    # the run as a file writes it: there is none
    return DraftAnswer.model_validate_json(made.model_dump_json().replace(DUMMY_RUN, RUN))


def _answer(name: str, found: Iterable[DraftFinding]) -> DraftAnswer:
    findings = tuple(found)
    number = Counter(one.severity for one in findings)
    words = [counted(number[one], one) for one in ("error", "warning") if number[one]]
    return DraftAnswer(
        name=name,
        words=", ".join(words) or "no mistakes",
        findings=findings,
        broken=number["error"] > 0,
        nodes=(),
        edges=(),
        steps=(),
    )


def _finding(one: Finding) -> DraftFinding:
    return DraftFinding(
        line=one.line,
        column=one.column,
        severity=one.severity,
        code=one.code,
        message=one.message,
        hint=_ALONE if one.code == "other-file" else one.hint,
    )


@functools.cache
def _apart() -> dict[str, re.Pattern[str]]:
    """Return the forms with documents of their own, and how they are known.

    A browser sends no documents, and to read them may take a process of its own.
    """
    return {
        one.words: re.compile(
            r"""(?<![\w$-])["']?(?:{})["']?\s*:|(?<!\w)type["']?\s*:\s*["']?{}\b""".format(
                "|".join(map(re.escape, one.form_keys)), re.escape(one.name)
            )
        )
        for one in built_in()
        if one.endings
    }


def _unread(words: str, line: int) -> DraftFinding:
    return DraftFinding(
        line=line,
        column=1,
        severity="error",
        code="other-file",
        message=f"{words} is not read here: it needs its documents",
        hint="write the file, then: dirac-prodsys lint FILE",
    )


def _steps(plan: ProductionPlan) -> tuple[PlannedStep, ...]:
    return tuple(
        PlannedStep(
            step=step.name,
            type=step.transformation.type,
            rows=tuple(PlannedRow(label=label, words=words) for label, words in step_rows(step)),
        )
        for step in plan.steps
    )
