"""Makes what the page shows of a production that is being written: findings, graph and plan.

Invariant: pure. The findings are those of ``dirac-prodsys lint``, the plan is that of
``dirac-prodsys plan``: both come from the same code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

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
#: CWL needs libraries that an API server does not load, and files that a browser does not send
_CWL = re.compile(
    r"""(?<![\w-])["']?(cwlVersion|cwl)["']?\s*:|(?<![\w-])type["']?\s*:\s*["']?cwl\b"""
)


def draft(text: str, now: float) -> tuple[DraftAnswer, Reading | None]:
    """Check a text; return also its reading, None if it is no production.

    Other files are not read: what a text takes from them is an error here.

    :param now: seconds since the epoch.
    """
    if (found := _CWL.search(text)) is not None:
        line = text.count("\n", 0, found.start()) + 1
        return _answer("", [_cwl(line)]), None
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
    return _answer(name, found).model_copy(
        update={
            "nodes": nodes(None, form, definition, now),
            "edges": edges(None, form, definition),
            "steps": _steps(plan),
        }
    )


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


def _cwl(line: int) -> DraftFinding:
    return DraftFinding(
        line=line,
        column=1,
        severity="error",
        code="cwl",
        message="CWL is not read here: it needs its documents, and libraries of its own",
        hint="write the file, then: dirac-prodsys lint FILE",
    )


def _steps(plan: ProductionPlan) -> tuple[PlannedStep, ...]:
    return tuple(
        PlannedStep(
            step=step.name,
            type=step.transformation.type,
            rows=tuple(
                PlannedRow(label=label, words=words.replace(DUMMY_RUN, RUN))
                for label, words in step_rows(step)
            ),
        )
        for step in plan.steps
    )
