"""Reports what steps wait for, and whether it exists now: notes of ``lint --live``.

Invariant: nothing is written. The grid is not asked about a gate with the run in its name, because
there is no run yet, nor about the output of another production, which Airflow knows and the grid
does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.dialects import DUMMY_RUN
from dirac_prodsys.core.gates.gate import Facts, Gate, judge_gates
from dirac_prodsys.core.gates.numbers import MAX_BYTES
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Problem
from dirac_prodsys.errors import GatewayError
from dirac_prodsys.gateway.protocol import ProductionGateway


def gates_now(plan: ProductionPlan, gateway: ProductionGateway) -> Iterator[Problem]:
    """Yield a note for each gate.

    :raises GatewayError: the grid did not answer.
    """
    for step in plan.steps:
        for index, gate in enumerate(step.gates):
            if gate.kind == "production" or DUMMY_RUN in gate.name:
                told = f"waits for {gate.text}"
            else:
                verdict = judge_gates([gate], _facts(gate, gateway), waited=0.0)
                told = f"waits for {gate.text}; now: {verdict.reason}"
            hours = f"it fails after {gate.hours}" if gate.hours else "it waits without end"
            yield Problem(("steps", step.name, "wait_for", index), told, hours, code="gate")


def _facts(gate: Gate, gateway: ProductionGateway) -> Facts:
    if gate.kind == "dataset":
        there = gateway.find_dataset(gate.name) is not None
        return Facts(datasets=frozenset({gate.name} if there else ()))
    files = frozenset(gateway.file_versions([gate.name]))
    if gate.kind == "file" or not files:
        return Facts(files=files)
    try:
        return Facts(files=files, contents={gate.name: gateway.read_file(gate.name, MAX_BYTES)})
    except GatewayError as error:
        return Facts(files=files, unread={gate.name: error.reason})
