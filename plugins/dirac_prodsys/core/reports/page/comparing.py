"""Compares two runs: what they are, their steps, and what their plans differ in.

Invariant: pure. Names that only the run makes different, such as directories, count as the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dirac_prodsys.core.reports.page.answers.common import Sources
from dirac_prodsys.core.reports.page.answers.site import CompareAnswer, CompareLine
from dirac_prodsys.core.reports.page.bars import bar
from dirac_prodsys.core.reports.page.papers import Papers
from dirac_prodsys.core.reports.page.rows import RunView
from dirac_prodsys.core.text.wording import span

#: most differences of two plans that are shown, and most characters of a value
_MOST, _LONG = 300, 200


def compare(
    left: RunView, right: RunView, papers: tuple[Papers, Papers], sources: Sources
) -> CompareAnswer:
    """Return two runs side by side.

    :param papers: of the left one, and of the right one.
    """
    return CompareAnswer(
        left=f"{left.book.production} {left.book.run}",
        right=f"{right.book.production} {right.book.run}",
        facts=tuple(
            _pair(name, _facts(left, papers[0])[name], _facts(right, papers[1])[name])
            for name in _facts(left, papers[0])
        ),
        steps=tuple(_steps(left, right)),
        definition=tuple(_plans(left, right, papers))[:_MOST],
        sources=sources,
    )


def _facts(run: RunView, papers: Papers) -> dict[str, str]:
    row = run.row
    took = ""
    if row.began is not None and row.ended is not None:
        took = span((row.ended - row.began).total_seconds())
    return {
        "state": row.state.label,
        "VO": row.vo,
        "campaign": row.campaign,
        "begun by": row.owner,
        "took": took,
        "tasks": row.tasks.words,
        "files": row.files.words,
        "events": "" if row.events is None else row.events.words,
        "failed jobs": str(row.failed_jobs),
        "definition": "" if papers.definition is None else papers.definition.digest[:12],
        "commit": "" if papers.definition is None else papers.definition.commit,
    }


def _steps(left: RunView, right: RunView) -> Iterator[CompareLine]:
    one, two = ({step.name: step for step in run.steps} for run in (left, right))
    for name in dict.fromkeys([*one, *two]):
        words = []
        for steps in (one, two):
            step = steps.get(name)
            words.append("" if step is None else bar(step.seen, step.track.step.tasks).words)
        yield _pair(name, *words)


def _plans(left: RunView, right: RunView, papers: tuple[Papers, Papers]) -> Iterator[CompareLine]:
    plans = []
    for run, some in zip((left, right), papers, strict=True):
        plan: Mapping[str, Any] = {} if some.plan is None else some.plan.plan
        text = json.dumps(plan).replace(run.book.run, "RUN").replace(run.book.production, "NAME")
        plans.append(json.loads(text))
    if not all(plans):
        return
    one, two = ({step["name"]: step for step in plan["steps"]} for plan in plans)
    for name in dict.fromkeys([*one, *two]):
        yield from _differences(name, one.get(name), two.get(name))


def _differences(path: str, left: Any, right: Any) -> Iterator[CompareLine]:
    if left == right:
        return
    if isinstance(left, dict) and isinstance(right, dict):
        for name in dict.fromkeys([*left, *right]):
            yield from _differences(f"{path}.{name}", left.get(name), right.get(name))
        return
    yield _pair(path, _say(left), _say(right))


def _say(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def _pair(name: str, left: str, right: str) -> CompareLine:
    return CompareLine(name=name, left=left, right=right, same=left == right)
