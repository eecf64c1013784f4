"""Plans the gates of a step: what its ``wait_for`` names, with the placeholders filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dirac_prodsys.core import naming
from dirac_prodsys.core.gates.gate import HOUR, Gate
from dirac_prodsys.core.placeholders import fill
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.wait_for import WaitFor


def plan_gates(
    entries: Sequence[WaitFor],
    production: str,
    vo: str,
    values: Mapping[str, str],
    path: Path,
    problems: Problems,
) -> tuple[Gate, ...]:
    """Plan the gates of a step; mistakes are noted.

    :param production: name of the step's own production.
    :param values: placeholder → its value.
    :param path: path of ``wait_for``.
    """
    gates: list[Gate] = []
    for index, entry in enumerate(entries):
        gate = _plan_gate(entry, production, vo, values, (*path, index), problems)
        if gate is None:
            continue
        if any(gate == other for other in gates):
            problems.add((*path, index), f"{gate.told} is waited for twice", "drop one")
        else:
            gates.append(gate)
    return tuple(gates)


def _plan_gate(
    entry: WaitFor,
    production: str,
    vo: str,
    values: Mapping[str, str],
    path: Path,
    problems: Problems,
) -> Gate | None:
    within = None if entry.within is None else entry.within * HOUR
    before = len(problems.found)
    if entry.production is not None and entry.step is not None:
        with problems.at(*path, "production"):
            naming.check_name(entry.production, "production")
        with problems.at(*path, "step"):
            naming.check_name(entry.step, "step")
        if entry.production == production:
            reason = f"{production} is this production itself"
            hint = f"write after: {entry.step}, beside wait_for"
            problems.add((*path, "production"), reason, hint)
        gate = Gate("production", entry.production, step=entry.step, within=within)
    elif entry.value is not None:
        lfn = fill(entry.value.file, values, (*path, "value", "file"), problems)
        with problems.at(*path, "value", "file"):
            naming.check_lfn(lfn, vo)
        gate = Gate("value", lfn, when=entry.value.when, within=within)
    elif entry.file is not None:
        lfn = fill(entry.file, values, (*path, "file"), problems)
        with problems.at(*path, "file"):
            naming.check_lfn(lfn, vo)
        gate = Gate("file", lfn, within=within)
    else:
        name = fill(entry.dataset, values, (*path, "dataset"), problems)
        with problems.at(*path, "dataset"):
            naming.check_dataset_name(str(name), vo)
        gate = Gate("dataset", str(name), within=within)
    return gate if len(problems.found) == before else None
