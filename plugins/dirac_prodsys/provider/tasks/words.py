"""Describes each task of a DAG in one sentence: what it does, and what it waits for.

Invariant: the sentences are shown to people in Airflow; no program reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.run.dag_shape import Part, TaskPlace
from dirac_prodsys.core.text.wording import first_of

#: most parents that a sentence names
_NAMED = 3

#: sentences for the tasks of a production, and of its loops
_WHOLE: Mapping[Part, str] = {
    "begin": "Tells which values the run took, and the tag by which DIRAC knows it.",
    "approve": "Asks a person whether anything of this production may be created.",
    "register": "Enters the run in DIRAC's ProductionSystem; the production goes on without it.",
    "verify": "Makes sure that every transformation is there before any of them starts.",
    "check": "Reads the number that pass {of} left, and says whether the loop is over.",
    "done": "Says which pass was the last; what takes files of the loop begins after it.",
    "on_cancel": "Stops, leaves or cleans what did not complete; skipped when all of it did.",
    "report": "Tells what came of every step, and fails if the run did.",
}

#: sentences for the tasks of a step
_STEP: Mapping[Part, str] = {
    "create": "Creates the transformation of {step}, or adopts the one that is there already.",
    "register": "Enters {step} in the run's production in DIRAC's ProductionSystem.",
    "ready": "Waits until {of} has done the share of its work at which {step} starts.",
    "wait_for": "Waits for what {step} needs: {gates}.",
    "approve": "Asks a person whether {step} may start.",
    "start": "Makes the directories and tasks of {step}, and sets it Active.",
    "wait_for_input": "Watches {step} until no more files can come{parents}, and all are attached.",
    "flush": "Lets DIRAC make tasks of the files that fill no group of {step}.",
    "wait_for_completion": "Watches {step} until all of it is processed; recovers failed files.",
    "complete": "Sets {step} Completed.",
    "create_dataset": "Makes the dataset {dataset} of what {step} left, and checks it.",
}


def sentence(place: TaskPlace, plan: ProductionPlan) -> str:
    """Return what the task at a place does and waits for."""
    loops = {loop.name for loop in plan.loops}
    if place.part == "begin" and place.whose in loops:
        return f"Lets pass {place.of} begin, if the one before it was not good enough."
    if not place.whose or place.whose in loops:
        return _WHOLE[place.part].format(of=place.of)
    step = plan.step(place.whose)
    return _STEP[place.part].format(
        step=step.name,
        of=place.of,
        gates="; ".join(gate.text for gate in step.gates),
        parents=f" from {first_of(step.parents, _NAMED)}" if step.parents else "",
        dataset=step.dataset.name if step.dataset is not None else "",
    )
