"""Makes the page of a run.

Invariant: pure. What the ledger cannot say now is left empty, and the row still stands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.reports.ledger.records import CommentRecord
from dirac_prodsys.core.reports.page.answers.common import (
    CommentView,
    DatasetView,
    Link,
    Sources,
)
from dirac_prodsys.core.reports.page.answers.production import (
    ActionRun,
    DefinitionView,
    DriftLine,
    ProductionAnswer,
    QuestionView,
    Rights,
    RunRef,
)
from dirac_prodsys.core.reports.page.definition import Definition, changes, read_definition
from dirac_prodsys.core.reports.page.graph import edges, matrix, nodes
from dirac_prodsys.core.reports.page.offers import offers
from dirac_prodsys.core.reports.page.papers import Papers
from dirac_prodsys.core.reports.page.rows import RunView
from dirac_prodsys.core.reports.page.story import story
from dirac_prodsys.core.reports.page.words import dataset


@dataclass(frozen=True)
class Surroundings:
    """What surrounds a run, for the user who looks.

    :param others: the other runs of the production.
    :param forbidden: actions that the site lets the user not do.
    """

    rights: Rights
    sources: Sources
    others: Sequence[RunView] = ()
    questions: tuple[QuestionView, ...] = ()
    action_runs: tuple[ActionRun, ...] = ()
    forbidden: Collection[str] = field(default_factory=frozenset)


def definition_of(run: RunView, papers: Papers) -> Definition | None:
    """Return the definition of a run, read anew; None: it is not known, or cannot be read."""
    record = papers.definition
    if record is None:
        return None
    return read_definition(record.text, record.file, run.book.run, parameters_of(run))


def parameters_of(run: RunView) -> dict[str, Any]:
    """Return the values of parameters that the run was given."""
    return dict(run.book.began.parameters) if run.book.began is not None else {}


def run_page(run: RunView, papers: Papers, around: Surroundings, now: float) -> ProductionAnswer:
    """Return the page of a run."""
    definition = definition_of(run, papers)
    plan: Mapping[str, Any] = {} if papers.plan is None else papers.plan.plan
    found = nodes(run, plan, definition, now)
    return ProductionAnswer(
        row=run.row,
        description=str(plan.get("description") or ""),
        parameters=parameters_of(run),
        nodes=found,
        edges=edges(run, plan, definition),
        matrix=matrix(found, definition),
        datasets=datasets(run, papers),
        story=story(papers.story),
        drift=tuple(
            DriftLine(
                subject=one.subject,
                what=one.what,
                recorded=one.recorded,
                found=one.found,
                text=one.text,
                at=one.at,
            )
            for one in papers.drift()
        ),
        definition=_definition(papers),
        comments=tuple(comment(one) for one in papers.comments()),
        questions=around.questions,
        runs=tuple(
            RunRef(
                run=one.book.run,
                run_id=one.row.run_id,
                state=one.state,
                began=one.row.began,
                page=one.row.page,
            )
            for one in around.others
        ),
        actions=offers(run.steps, forbidden=around.forbidden),
        action_runs=around.action_runs,
        rights=around.rights,
        links=links(run),
        sources=around.sources,
    )


def datasets(run: RunView, papers: Papers) -> tuple[DatasetView, ...]:
    """Return the datasets of a run, with where their files are."""
    found = []
    for step in run.steps:
        name = step.track.step.dataset
        if not name:
            continue
        stored = papers.storage_of(step.name)
        elements = {} if stored is None else stored.elements
        found.append(dataset(name, step.name, run.book.datasets.get(name), elements))
    return tuple(found)


def comment(record: CommentRecord) -> CommentView:
    """Return a comment."""
    about = record.dataset or record.step or ("run" if record.run else "production")
    return CommentView(about=about, text=record.text, by=record.by, at=record.at)


def links(run: RunView) -> tuple[Link, ...]:
    """Return where else the run is."""
    if not run.row.page:
        return ()
    return (
        Link(title="Run in Airflow", href=run.row.page),
        Link(title="Dag in Airflow", href=run.row.page.partition("/runs/")[0]),
    )


def _definition(papers: Papers) -> DefinitionView | None:
    record, before = papers.definition, papers.before
    if record is None:
        return None
    same = None if before is None else before.digest == record.digest
    return DefinitionView(
        file=record.file,
        source=record.source,
        commit=record.commit,
        digest=record.digest,
        plan_digest="" if papers.plan is None else papers.plan.digest,
        text=record.text,
        before=papers.before_run,
        same_as_before=same,
        changes=() if before is None or same else changes(before.text, record.text),
    )
