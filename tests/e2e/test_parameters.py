"""Typed parameters and a matrix, triggered by Airflow's own command line, on a real grid.

And what comes of two runs that would use the same run numbers.
"""

from __future__ import annotations

import json

import pytest

from sandbox.errors import SandboxError
from tests.contract.systems import OnDirac
from tests.e2e.site import Site
from tests.patience import until

NAME = "chosen"
TEXT = f"""\
version: 1
production: {{name: {NAME}, vo: sim}}
parameters:
  tasks: {{type: int, default: 1, min: 1, max: 5, description: Jobs of each branch}}
  begin: {{type: int, min: 1, description: The first run number}}
  mode: {{type: choice, choices: [fast, slow], default: fast}}
common: {{directory: "/sim/e2e/${{{{ production }}}}/${{{{ run }}}}", se: DISK-A-SE}}
matrix: {{particle: [gamma, proton]}}
steps:
  make:
    type: MCSimulation
    tasks: ${{{{ parameters.tasks }}}}
    run_numbers:
      campaign: "${{{{ production }}}}-${{{{ matrix.particle }}}}"
      first: ${{{{ parameters.begin }}}}
    job:
      type: script
      executable: echo
      arguments: "${{{{ parameters.mode }}}} ${{{{ first_run }}}}"
      cpu_time: 600
    output: {{metadata: {{run: "${{{{ run }}}}", particle: "${{{{ matrix.particle }}}}"}}}}
"""


@pytest.fixture(scope="module")
def known(site: Site) -> Site:
    """The production is there."""
    (site.productions / f"{NAME}.yaml").write_text(TEXT)
    site.known(NAME, "prepare.create.make-gamma", "prepare.create.make-proton")
    return site


def trigger(site: Site, run: str, **values: object) -> str:
    """What the command line answers."""
    conf = json.dumps(values)
    return site.stack.command("dags", "trigger", NAME, "--run-id", run, "-c", conf)


def kept(site: Site, run: str, branch: str) -> str:
    """The run numbers that DIRAC has for the transformation of a branch."""
    [(number, _)] = site.rows(NAME, run, f"make-{branch}")
    with site.database() as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT ParameterValue FROM AdditionalParameters"
            " WHERE TransformationID = %s AND ParameterName = 'RunNumbers'",
            (number,),
        )
        [(value,)] = cursor.fetchall()
        return value.decode() if isinstance(value, bytes) else str(value)


def tasks(site: Site, run: str, branch: str) -> int:
    """How many tasks DIRAC has of the transformation of a branch."""
    [(number, _)] = site.rows(NAME, run, f"make-{branch}")
    snapshot = OnDirac(site.grid).gateway().snapshot([number])[number]
    return sum(snapshot.tasks.values())


def begun(site: Site, run: str) -> None:
    """Wait until both branches have been started."""

    def look() -> bool:
        states = site.states(NAME, run)
        return all(states[f"make-{b}.start"] == "success" for b in ("gamma", "proton"))

    until(f"{NAME} {run} has begun", 180, look)


def test_a_run_gets_what_the_command_line_says(known: Site) -> None:
    trigger(known, "two", tasks=2, begin=101, mode="slow")
    begun(known, "two")
    for branch in ("gamma", "proton"):
        assert kept(known, "two", branch) == f"{NAME}-{branch}:101-102"
        assert tasks(known, "two", branch) == 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tasks": "many", "begin": 1}, "'many' is not of type 'integer'"),
        ({"tasks": 6, "begin": 1}, "6 is greater than the maximum of 5"),
    ],
)
def test_a_wrong_value_is_refused_before_there_is_a_run(
    known: Site, values: dict[str, object], message: str
) -> None:
    with pytest.raises(SandboxError):
        trigger(known, "wrong", **values)
    assert message in known.stack.state.log_of("command").read_text()
    assert "wrong" not in known.rest.run_ids(NAME)


def test_a_run_that_would_use_run_numbers_again_is_refused(known: Site) -> None:
    known.rest.trigger(NAME, "first", {"tasks": 2, "begin": 501})
    begun(known, "first")
    known.rest.trigger(NAME, "second", {"tasks": 2, "begin": 502})

    def failed() -> bool:
        return known.states(NAME, "second")["prepare.create.make-gamma"] == "failed"

    until("the second run was refused", 180, failed)
    assert known.rows(NAME, "second", "make-gamma") == []
    task = f"dags/{NAME}/dagRuns/second/taskInstances/prepare.create.make-gamma"
    text = str(known.rest.get(f"{task}/logs/1"))
    assert f"run numbers 502 to 503 of {NAME}-gamma overlap with 501 to 502" in text
