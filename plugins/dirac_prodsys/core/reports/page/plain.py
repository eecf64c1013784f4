"""Writes the answers as plain HTML: the page without scripts, where Airflow's cannot show it.

Invariant: every text is escaped. A document loads one style sheet of ours, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote, urlencode

from dirac_prodsys.core.reports.page.answers.common import BarView, Freshness, Sources
from dirac_prodsys.core.reports.page.answers.production import ProductionAnswer
from dirac_prodsys.core.reports.page.answers.productions import ProductionsAnswer
from dirac_prodsys.core.reports.page.answers.site import CampaignAnswer, ErrorsAnswer, GridAnswer
from dirac_prodsys.core.reports.page.answers.step import StepAnswer

_PAGES = (("productions", "Productions"), ("campaign", "Campaign"), ("errors", "Errors"))

#: a cell of a table: HTML that is escaped
Cell = str


class Site:
    """Writes documents of one application.

    :param root: path of the application; :param airflow: path of Airflow; both without ``/`` at
        the end.
    """

    def __init__(self, root: str, airflow: str) -> None:
        self.root, self.airflow = root, airflow

    def productions(self, answer: ProductionsAnswer) -> str:
        """Write the list of productions."""
        rows = [
            [
                self._link(_run_path(row.dag_id, row.run), f"{row.production} {row.run}"),
                _text(f"{row.vo} {row.campaign}"),
                _text(row.owner),
                _text(f"{row.state.label}: {row.state.words}"),
                ("<br>".join(_bar(step.step, step.bar) for step in row.steps)),
                _text("" if row.events is None else row.events.words),
                _text("unknown" if row.failures_last_hour is None else row.failures_last_hour),
                ("<br>".join(f"{escape(d.name)}: {escape(d.words)}" for d in row.datasets)),
                _text(row.eta.words),
                _text(row.changed_words),
                _text(row.seen.words),
            ]
            for row in answer.rows
        ]
        head = (
            "Run",
            "VO, campaign",
            "Owner",
            "State",
            "Steps",
            "Events",
            "Failures in the last hour",
            "Datasets",
            "Done",
            "Last change",
            "Counts",
        )
        asked = answer.asked
        form = (
            f'<form method="get" action="{escape(self.root)}/productions">'
            f'<label>Text <input name="text" value="{escape(asked.text)}"></label> '
            f'<label><input type="checkbox" name="over" value="true"'
            f"{' checked' if asked.over else ''}> runs that are over, too</label> "
            "<button>Show</button></form>"
        )
        words = (
            f"{answer.total} runs, {answer.need_person} need a person; "
            f"{answer.hidden_over} that are over are not shown."
        )
        parts = [form, f"<p>{escape(words)}</p>", _table(head, rows), _paragraph(answer.empty)]
        return self._document("Productions", [*parts, self._pages(answer)], answer.sources)

    def run(self, answer: ProductionAnswer) -> str:
        """Write one run."""
        row = answer.row
        own = _run_path(row.dag_id, row.run)
        steps = [
            [
                self._link(f"{own}/{quote(node.step, safe='')}", node.step),
                _text(node.type),
                _text("" if node.transformation is None else node.transformation),
                _text(node.state.words),
                (_bar("", node.bar)),
                _text(node.eta.words),
                _text(", ".join(e.parent for e in answer.edges if e.child == node.step)),
            ]
            for node in answer.nodes
        ]
        head = ("Step", "Type", "Transformation", "State", "Progress", "Done", "Takes files of")
        parts = [
            _paragraph(answer.description),
            _paragraph(f"{row.state.label}: {row.state.words}"),
            _paragraph(f"Done: {row.eta.words}"),
            *[f"<p>{self._airflow_link(one.href, one.title)}</p>" for one in answer.links],
            "<h2>Steps</h2>",
            _table(head, steps),
            "<h2>Datasets</h2>",
            _table(
                ("Dataset", "State"), [[_text(d.name), _text(d.words)] for d in answer.datasets]
            ),
            "<h2>Comments</h2>",
            _table(
                ("About", "By", "When", "Comment"),
                [
                    [_text(one.about), _text(one.by), _text(one.at.isoformat()), _text(one.text)]
                    for one in answer.comments
                ],
            ),
            "<h2>What happened</h2>",
            _table(
                ("When", "Step", "By", "What"),
                [
                    [_text(line.at.isoformat()), _text(line.step), _text(line.by), _text(line.text)]
                    for line in answer.story
                ],
            ),
        ]
        if answer.definition is not None:
            parts += ["<h2>Definition</h2>", f"<pre>{escape(answer.definition.text)}</pre>"]
        return self._document(f"{row.production} {row.run}", parts, answer.sources)

    def step(self, answer: StepAnswer) -> str:
        """Write one step."""
        why = answer.why
        verdicts = [why.verdict] if why.verdict is not None else []
        parts = [
            f"<p>{self._link(_run_path(answer.dag_id, answer.run), 'The whole run')}</p>",
            _paragraph(why.line),
            _paragraph(f"Next: {why.next}" if why.next else ""),
            *[_paragraph(f"You may: {one}") for one in why.may],
            f"<p>{_bar('', answer.node.bar)}</p>",
            "<h2>Failures</h2>",
            _table(
                ("Cause", "Site", "Number", "Jobs"),
                [
                    [
                        _text(cell.cause),
                        _text(cell.site),
                        _text(cell.count),
                        _text(", ".join(str(sample.job) for sample in cell.samples)),
                    ]
                    for cell in answer.failures.cells
                ],
            ),
            _paragraph(answer.failures.advice or answer.failures.note),
            "<h2>Verdicts</h2>",
            _table(
                ("When", "Verdict", "Why"),
                [
                    [
                        _text(one.at.isoformat()),
                        _text(one.verdict),
                        _text(one.alarm or one.reason),
                    ]
                    for one in (*verdicts, *why.history)
                ],
            ),
        ]
        title = f"{answer.node.step} of {answer.production} {answer.run}"
        return self._document(title, parts, answer.sources)

    def errors(self, answer: ErrorsAnswer) -> str:
        """Write the files with errors."""
        parts = []
        for one in answer.errors:
            place = ":".join(str(p) for p in (one.file, one.line, one.column) if p)
            source = f"<pre>{escape(one.source)}\n{escape(one.caret)}</pre>" if one.source else ""
            parts += [f"<h2>{escape(place)}</h2>", _paragraph(one.message), source]
            parts.append(_paragraph(f"Way out: {one.hint}" if one.hint else ""))
        return self._document("Errors", [*parts, _paragraph(answer.empty)], answer.sources)

    def grid(self, answer: GridAnswer) -> str:
        """Write what is known of the grid."""
        checks = [
            [_text(one.severity), _text(one.outcome), _text(one.what), _text(one.way_out)]
            for one in answer.checks
        ]
        beats = [
            [_text(one.name), _text(one.state), _text(one.last.words)] for one in answer.components
        ]
        parts = [
            _paragraph(answer.words),
            _paragraph(f"Proxy: {answer.proxy_words}"),
            _paragraph(answer.verdict),
            _table(("Component", "State", "Last alive"), beats),
            _table(("Severity", "Outcome", "What", "Way out"), checks),
        ]
        return self._document("Grid", parts, answer.sources)

    def campaign(self, answer: CampaignAnswer) -> str:
        """Write the summary."""
        head = [one.heading for one in answer.columns]
        rows = [[_text(cell) for cell in row.cells] for row in answer.rows]
        exports = " ".join(self._link(path, form) for form, path in answer.exports.items())
        parts = [_table(head, rows), _paragraph(answer.empty), f"<p>As a file: {exports}</p>"]
        return self._document("Campaign", parts, answer.sources)

    def _document(self, title: str, parts: Iterable[str], sources: Sources) -> str:
        pages = " ".join(self._link(f"/{path}", name) for path, name in _PAGES)
        pages += f" {self._link('/grid', 'Grid')} {self._airflow_link('/', 'Airflow')}"
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{escape(title)}</title>"
            f'<link rel="stylesheet" href="{escape(self.root)}/static/plain.css"></head><body>'
            f"<nav>{pages}</nav><h1>{escape(title)}</h1>{''.join(parts)}{_ages(sources)}"
            "</body></html>\n"
        )

    def _pages(self, answer: ProductionsAnswer) -> str:
        if answer.pages < 2:
            return ""
        asked = answer.asked.model_dump(mode="json")
        given = {name: value for name, value in asked.items() if value not in ("", [], False)}
        links = [
            self._link(
                f"/productions?{urlencode({**given, 'page': number}, doseq=True)}", str(number)
            )
            for number in range(1, answer.pages + 1)
        ]
        return f"<p>Page {answer.page} of {answer.pages}: {' '.join(links)}</p>"

    def _link(self, path: str, text: str) -> str:
        return f'<a href="{escape(self.root + path)}">{escape(text)}</a>'

    def _airflow_link(self, path: str, text: str) -> str:
        return f'<a href="{escape(self.airflow + path)}">{escape(text)}</a>'


def _run_path(dag_id: str, run: str) -> str:
    return f"/productions/{quote(dag_id, safe='')}/{quote(run, safe='')}"


def _bar(name: str, found: BarView) -> str:
    done = sum(part.count for part in found.parts if part.name == "processed")
    label = f"{escape(name)} " if name else ""
    if not found.total:
        return f"{label}{escape(found.words)}"
    meter = f'<progress max="{found.total}" value="{done}"></progress>'
    return f"{label}{meter} {escape(found.words)}"


def _text(value: object) -> Cell:
    return escape(str(value))


def _table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    if not rows:
        return ""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _ages(sources: Sources) -> str:
    named: tuple[tuple[str, Freshness], ...] = (
        ("Ledger", sources.ledger),
        ("grid", sources.grid),
        ("Airflow", sources.airflow),
    )
    words = []
    for name, one in named:
        why = f" ({one.why})" if one.why else ""
        words.append(f"{name} {one.words}{why}")
    return f"<footer><p>{escape('; '.join(words))}.</p></footer>"
