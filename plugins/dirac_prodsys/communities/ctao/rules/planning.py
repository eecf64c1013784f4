"""Plans a production of CTAO's own form, which keeps the words of its file in its steps.

Invariant: what such a file does not say stays unsaid: a simulation without a number of tasks is
extended by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dirac_prodsys.communities.ctao.rules import inputs, remarks
from dirac_prodsys.communities.ctao.rules.derivation import Derivation
from dirac_prodsys.communities.ctao.rules.draft import check_limit
from dirac_prodsys.communities.ctao.rules.outputs import NEEDED
from dirac_prodsys.communities.ctao.types import settings
from dirac_prodsys.communities.ctao.types.job_types import CtaoType
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.transformation_types import transformation_type
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.core.steps.draft import StepDraft, description
from dirac_prodsys.core.steps.leaves import check_datasets
from dirac_prodsys.core.steps.linking import Wanted
from dirac_prodsys.core.steps.step_plan import Datasets, StepPlan


def plan_steps(
    production: Production, order: Iterable[str], run: str, datasets: Datasets, problems: Problems
) -> dict[str, StepPlan]:
    """Return the plans of the correct steps, by name; mistakes of the others are noted.

    :param order: names of the steps, parents first.
    """
    contexts = [StepContext(production, step, run, problems) for step in production.steps]
    written = {context.step.name: _written(context) for context in contexts}
    plans = _FormDerivation(written, datasets, problems).run(order).plans
    made = {name: plan.dataset for name, plan in plans.items() if plan.dataset is not None}
    check_datasets(made, problems)
    return plans


def _written(context: StepContext) -> StepDraft:
    step, source = context.step, context.step.input
    return StepDraft(
        context=context,
        name=naming.SEPARATOR.join((context.production.name, context.run, step.name)),
        description=description(context),
        group=context.production.name,
        kind=transformation_type(step.type),
        body=None,
        output=None,
        wanted=Wanted(step.name, source.steps, MetaQuery(), source.dataset) if source else None,
        takes_input=source is not None,
        dataset=None,
        parameters={},
    )


class _FormDerivation(Derivation):
    """The steps of a file of CTAO's form."""

    words = NEEDED

    def settings(self, context: StepContext, kind: CtaoType) -> Settings | None:
        job = context.step.job
        place = (*context.path, "job")
        given = settings.read(kind, job["common"], job["config"], place, context.problems)
        if kind.simulation:
            _check_simulation(context)
        else:
            check_limit(context, job["config"])
        return given

    def narrowed(self, where: Mapping[str, Any], here: StepContext) -> dict[str, Any]:
        return inputs.narrowing(where, (*here.path, "where"), here.problems)

    def remark(self, feeders: Mapping[str, tuple[str, ...]]) -> None:
        remarks.remark(self.drafts, feeders, self.problems)


def _check_simulation(context: StepContext) -> None:
    if context.step.input is not None:
        reason = "a simulation takes no files, and its input_meta_query would be ignored"
        context.add(("input",), reason, "leave its values empty", on_key=True, code="unknown-key")
    if context.step.start == "on_complete":
        reason = "there is no parent step that could complete"
        context.add(("start",), reason, "drop start", code="wrong-value")
