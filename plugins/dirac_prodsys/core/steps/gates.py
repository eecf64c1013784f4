"""Plans the gates of a step: what its ``wait_for`` names, with the placeholders filled in."""

from __future__ import annotations

from dirac_prodsys.core import naming
from dirac_prodsys.core.gates.gate import HOUR, Gate
from dirac_prodsys.core.production.wait_for import WaitFor
from dirac_prodsys.core.steps.context import StepContext


def plan_gates(context: StepContext) -> tuple[Gate, ...]:
    """Plan the gates of a step; mistakes are noted."""
    gates: list[Gate] = []
    for index, entry in enumerate(context.step.wait_for):
        here = context.below("wait_for", index)
        gate = _plan_gate(entry, here)
        if gate is None:
            continue
        if any(gate == other for other in gates):
            here.add((), f"{gate.text} is waited for twice", "drop one")
        else:
            gates.append(gate)
    return tuple(gates)


def _plan_gate(entry: WaitFor, here: StepContext) -> Gate | None:
    within = None if entry.within is None else entry.within * HOUR
    before = len(here.problems.found)
    vo = here.production.vo
    if entry.production is not None and entry.step is not None:
        with here.at("production"):
            naming.check_name(entry.production, "production")
        with here.at("step"):
            naming.check_name(entry.step, "step")
        if entry.production == here.production.name:
            reason = f"{entry.production} is this production itself"
            hint = f"write after: {entry.step}, next to wait_for"
            here.add(("production",), reason, hint)
        gate = Gate("production", entry.production, step=entry.step, within=within)
    elif entry.value is not None:
        lfn = here.fill(entry.value.file, "value", "file")
        with here.at("value", "file"):
            naming.check_lfn(lfn, vo)
        gate = Gate("value", lfn, when=entry.value.when, within=within)
    elif entry.file is not None:
        lfn = here.fill(entry.file, "file")
        with here.at("file"):
            naming.check_lfn(lfn, vo)
        gate = Gate("file", lfn, within=within)
    else:
        name = here.fill(entry.dataset, "dataset")
        with here.at("dataset"):
            naming.check_dataset_name(str(name), vo)
        gate = Gate("dataset", str(name), within=within)
    return gate if len(here.problems.found) == before else None
