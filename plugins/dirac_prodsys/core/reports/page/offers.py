"""Says which actions there are for a run or a step, and which of them can do something now.

Invariant: pure. What is offered is decided by ``core/actions``; whether the user may act, by
Airflow and by the site.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dirac_prodsys.core.actions.decision_table import decide
from dirac_prodsys.core.actions.kinds import ACTIONS, VALUES, ActionKind
from dirac_prodsys.core.actions.request import ActionRequest
from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.reports.page.answers.production import ActionOffer, ValueField
from dirac_prodsys.core.reports.page.rows import StepView

#: what comes after an action has been carried out
_AFTER = {
    "start": "The grid makes tasks; the run goes on by itself.",
    "stop": "The run waits, and says who stopped it, until somebody resumes it.",
    "resume": "The grid makes tasks again; the run goes on by itself.",
    "flush": "The files left over become tasks at the next cycle of the grid.",
    "complete": "The run accepts what is done, makes the dataset of it, and goes on.",
    "extend": "The grid makes the tasks at its next cycle; the run waits for them, too.",
    "set_group_size": "Tasks to come take so many files; those that exist stay as they are.",
    "clean": "The grid removes jobs, tasks and files; waits of the run fail and say so.",
    "delete": "DIRAC forgets the transformations; the ledger keeps what they did.",
}


def after(action: str) -> str:
    """Return what comes after an action, in a sentence."""
    return _AFTER.get(action, "")


def offers(
    steps: Sequence[StepView], *, forbidden: Collection[str] = ()
) -> tuple[ActionOffer, ...]:
    """Return the actions.

    :param steps: the transformations that they would be for.
    :param forbidden: actions that the site lets the user not do.
    """
    return tuple(_offer(kind, steps, forbidden) for kind in ACTIONS.values())


def _offer(kind: ActionKind, steps: Sequence[StepView], forbidden: Collection[str]) -> ActionOffer:
    return ActionOffer(
        action=kind.name,
        title=kind.name.replace("_", " "),
        does=kind.does,
        risky=kind.risky,
        typed=kind.typed,
        takes=tuple(
            ValueField(
                name=name,
                about=VALUES[name].about,
                integer=VALUES[name].integer,
                most=VALUES[name].most,
            )
            for name in kind.takes
        ),
        why_not=_why_not(kind, steps, forbidden),
    )


def _why_not(kind: ActionKind, steps: Sequence[StepView], forbidden: Collection[str]) -> str:
    if kind.name in forbidden:
        return f"this site does not let you {kind.name.replace('_', ' ')}"
    if not steps:
        return "nothing is made yet"
    values = {kind.takes[0]: 1.0} if kind.takes else {}
    production = steps[0].row.production
    request = ActionRequest(kind.name, production, run=steps[0].row.run, values=values)
    whys = []
    for step in steps:
        seen = step.seen
        listed = Listed(
            seen.id, seen.name, seen.type, step.track.step.plugin, str(seen.status), production
        )
        decision = decide(request, listed, seen)
        if decision.answer == "act":
            return ""
        whys.append(decision.why)
    return whys[0] if len(set(whys)) == 1 else "no transformation can take it now"
