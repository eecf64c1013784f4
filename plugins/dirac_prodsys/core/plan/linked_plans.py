"""Links the plans of steps, parents first, each with the query for its input.

If a step takes more outputs than it can select by their own metadata, the planner numbers those
outputs (``core/steps/gather_numbers.py``). Then all steps are linked again, because other steps may
take files of that step; a production without such a step is linked once.

Invariant: only mistakes of the last round are reported, so that each is reported once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dirac_prodsys.core.job_types import derives
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps import linking
from dirac_prodsys.core.steps.draft import StepDraft
from dirac_prodsys.core.steps.outputs import Output, Outputs
from dirac_prodsys.core.steps.step_plan import Datasets, Derived, StepPlan


@dataclass(frozen=True)
class LinkedPlans:
    """What is known of the steps before they are linked.

    :param drafts: step name → its draft.
    :param order: names of the steps to link, parents first.
    :param outputs: step name → its output.
    :param derived: results of the rules of job types.
    :param unclear: steps that no other step can take from, because they are wrong.
    :param ordered: whether the links between steps are known.
    """

    drafts: Mapping[str, StepDraft]
    order: Sequence[str]
    outputs: Mapping[str, Output]
    derived: Derived
    datasets: Datasets
    unclear: frozenset[str]
    ordered: bool = True

    def made(self, problems: Problems) -> dict[str, StepPlan]:
        """Return the plans of the steps that can be planned; mistakes are noted."""
        # the pass of a loop that is taken is known only when its directories exist already
        passes = {name for name, drafted in self.drafts.items() if drafted.step.turn is not None}
        fixed = passes | self.derived.outputs.keys()
        gathered: dict[str, tuple[str, ...]] = {}
        outputs = self.outputs
        while True:
            gathers = linking.Gathers(Outputs(outputs), gathered, fixed)
            linked = self._linked(gathers)
            if not gathers.lacking:
                break
            from dirac_prodsys.core.steps.gather_numbers import numbered  # few need it

            gathered |= gathers.lacking
            outputs = numbered(self.outputs, gathered)
        plans: dict[str, StepPlan] = {}
        for drafted, query, found in linked:
            problems.extend(found)
            one = drafted.plan(query, problems)
            if one is not None:
                plans[drafted.step.name] = one
        return plans

    def _linked(
        self, gathers: linking.Gathers
    ) -> list[tuple[StepDraft, MetaQuery | None, Problems]]:
        """Return each step with its input query, and the mistakes of its links."""
        found: list[tuple[StepDraft, MetaQuery | None, Problems]] = []
        relays: dict[str, linking.Relay] = {}
        awaiting, unclear = dict(self.derived.awaiting), self.unclear
        for step in (self.drafts[name] for name in self.order):
            name, parents = step.step.name, step.step.parents
            if derives(step.step.job):
                continue
            query, drafted, problems = None, step, Problems()
            if gathers.outputs.of.get(name, drafted.output) is not drafted.output:
                drafted = replace(drafted, output=gathers.outputs.of[name])
            wanted = drafted.wanted
            clear = self.ordered and not unclear & set(parents)
            if wanted is not None and clear and not wanted.verified_at:
                late = [awaiting[p] for p in parents if p in awaiting]
                if late:  # it takes an unresolved dataset
                    wanted = replace(wanted, parents=(), dataset=late[0])
                    drafted = replace(drafted, wanted=wanted)
                query = linking.input_query(
                    wanted, gathers, problems, relays=relays, datasets={} if late else self.datasets
                )
                if drafted.hands_on and query is not None:
                    relays[name] = linking.relay(query, parents, relays)
                elif drafted.hands_on and wanted.dataset is not None:
                    awaiting[name] = wanted.dataset
            if drafted.hands_on and query is None and name not in awaiting:
                unclear = unclear | {name}
            found.append((drafted, query, problems))
        return found
