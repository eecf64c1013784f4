"""What a run says of itself while it runs is what the grid says, within one look.

One production on a real grid and Airflow: a child that works beside its parent, another whose jobs
all fail, and a person who stops and resumes. What Airflow has of each is held against
``dirac-prodsys status``, and the log says the same.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.configuration.environment import VENV_BIN
from tests.e2e.acting import DAG, ask
from tests.e2e.site import WAIT_FOR, Site
from tests.patience import patience, until

NAME, RUN = "stated", "states"
WHY = (
    "the calibration of one telescope is wrong, and all that was made with it has to be thrown away"
)

#: two looks at the grid, and what the machine takes to ask
SECONDS = 30


@pytest.fixture(scope="module")
def stated(site: Site) -> Site:
    """The production, begun: two of three files are made, and the third waits for the gate."""
    gate = f"{site.gates}/{NAME}__{RUN}"
    make = f"test @{{JOB_ID}} -lt 3 || sh {WAIT_FOR} {gate}; echo made > make_@{{JOB_ID}}.dat"
    site.drop(
        NAME,
        step("make", "type: MCSimulation\n  tasks: 3", make),
        step(
            "good", "type: Merging\n  group_size: 1\n  input: {from: make}", "cat make_*", out=False
        ),
        step(
            "bad",
            "type: Merging\n  group_size: 1\n  input: {from: make}\n"
            "  policy: {recovery: {max_resets: 0}}",
            "exit 3",
            out=False,
        ),
    )
    site.begin(NAME, RUN)
    site.waiting(NAME, RUN, "make.wait_for_completion", "good.wait_for_input", seconds=300)
    return site


def step(name: str, kind: str, does: str, *, out: bool = True) -> str:
    """A step whose jobs run a line of shell."""
    text = f"""\
{name}:
  {kind}
  job: {{type: script, executable: sh, arguments: "-c '{does}'", cpu_time: 600}}
"""
    if out:
        text += f"""\
  output:
    directory: /sim/e2e/{NAME}/${{{{ run }}}}/{name}
    se: DISK-A-SE
    metadata: {{production: {NAME}, run: "${{{{ run }}}}", step: {name}}}
    files: ["{name}_@{{JOB_ID}}.dat"]
"""
    return text


def status(site: Site, name: str) -> dict[str, Any]:
    """What ``dirac-prodsys status`` says of a step."""
    done = subprocess.run(
        [VENV_BIN / "dirac-prodsys", "status", f"{NAME}__{RUN}__{name}", "--json"],
        env=site.grid.env(),
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=True,
    )
    (row,) = json.loads(done.stdout)["transformations"]
    return dict(row)


def of_task(site: Site, task: str) -> str:
    return f"dags/{NAME}/dagRuns/{quote(RUN)}/taskInstances/{task}"


def state(site: Site, task: str) -> dict[str, Any]:
    """The XCom ``state`` of a task."""
    return dict(
        site.rest.get(f"{of_task(site, task)}/xcomEntries/state", deserialize=True)["value"]
    )


def stored(site: Site, task: str) -> dict[str, Any]:
    """What Airflow shows under Storage."""
    value = site.rest.get(f"{of_task(site, task)}/state-store/state")["value"]
    return dict(json.loads(value) if isinstance(value, str) else value)


def log(site: Site, task: str) -> str:
    """The log of a task, as the UI gets it: line by line."""
    lines = site.rest.get(f"{of_task(site, task)}/logs/1", full_content=True)["content"]
    return "\n".join(str(line.get("event", "")) for line in lines)


def agrees(seen: dict[str, Any], row: dict[str, Any]) -> bool:
    """Whether Airflow and the grid say the same of a step."""
    files, tasks = row["files"], row["tasks"]
    numbers = {
        "files": {"processed": files.get("Processed", 0), "total": sum(files.values())},
        "tasks": {
            "done": sum(tasks.get(word, 0) for word in ("Done", "Completed")),
            "failed": sum(tasks.get(word, 0) for word in ("Failed", "Killed", "Deleted")),
            "total": sum(tasks.values()),
        },
    }
    return bool(seen["status"] == row["status"]) and all(
        seen[what] == number for what, number in numbers.items()
    )


def comes_to_agree(site: Site, task: str) -> dict[str, Any]:
    """The task's state once it says what the grid does: both asked close together."""
    name = task.split(".")[0]
    until(
        f"{task} agrees with status: {state(site, task)} / {status(site, name)}",
        SECONDS,
        lambda: agrees(state(site, task), status(site, name)),
        each=0.5,
    )
    return state(site, task)


def test_a_child_that_works_beside_its_parent_says_what_the_grid_says(stated: Site) -> None:
    until(
        "two files are merged", 240, lambda: status(stated, "good")["files"].get("Processed") == 2
    )
    child = comes_to_agree(stated, "good.wait_for_input")
    assert child["line"] == "good 2/2 files; its parents are still at work"
    parent = comes_to_agree(stated, "make.wait_for_completion")
    assert parent["line"] == "make 2/3 tasks"


def test_while_jobs_fail_the_state_says_so_and_names_some(stated: Site) -> None:
    """A light grid has no job monitoring, and so nobody who knows why, or at which site."""
    task = "bad.wait_for_input"
    until(
        "two files are given up", 240, lambda: status(stated, "bad")["files"].get("MaxReset") == 2
    )
    failing = comes_to_agree(stated, task)
    assert failing["kind"] == "failing"
    pattern = r"files are 2 MaxReset, \d+ jobs? failed: jobs? \d+"
    assert re.search(f"^bad 0/2 files, {pattern}", failing["line"]), failing
    text = until("the log says it", SECONDS, lambda: found(log(stated, task), "failing: "))
    assert re.search(r"failing: .*\d+ jobs? failed: jobs? \d+", text), text


def test_who_stops_it_and_why_is_shown_and_that_it_goes_on(stated: Site) -> None:
    task = "make.wait_for_completion"
    before = log(stated, task)
    stopped = ask(stated, "stop", production=NAME, steps=["make"], reason=WHY, preview=False)
    assert stated.ended(DAG, stopped, 300)["state"] == "success"
    by = stated.stack.login[0]
    pattern = re.compile(rf"Stopped by {by} since \d\d:\d\d UTC: {re.escape(WHY)}")

    until("the run says so", SECONDS, lambda: pattern.search(state(stated, task)["line"]))
    assert agrees(state(stated, task), status(stated, "make"))
    until("so does its log", SECONDS, lambda: pattern.search(log(stated, task)))
    until("so does Storage", 120, lambda: pattern.search(stored(stated, task)["line"]), each=1)

    # the worker that wrote it deferred anew: the new log begins with the lines of the old one
    stated.waiting(NAME, RUN, task)
    text = until("the history", SECONDS, lambda: found(log(stated, task), "this wait so far"))
    kept = [line for line in before.splitlines() if "tasks are done" in line]
    assert all(line in text for line in kept[:1])
    assert "Could not read served logs" not in text

    resumed = ask(stated, "resume", production=NAME, steps=["make"], preview=False)
    assert stated.ended(DAG, resumed, 300)["state"] == "success"
    until("it goes on", SECONDS, lambda: state(stated, task)["kind"] == "waiting")
    comes_to_agree(stated, task)


def test_the_end_says_what_to_do_about_the_cause(stated: Site) -> None:
    stated.open_gate(NAME, RUN)
    assert stated.ended(NAME, RUN, 400)["state"] == "failed"
    states = stated.states(NAME, RUN)
    assert states["good.complete"] == "success"
    (task,) = [
        wait
        for wait in ("bad.wait_for_input", "bad.wait_for_completion")
        if states[wait] == "failed"
    ]
    last = stored(stated, task)
    assert last == state(stated, task)
    assert last["line"].startswith("bad failed: ")
    # the run's end has Stopped it since, and nothing else has changed
    assert agrees(last, {**status(stated, "bad"), "status": "Active"})
    text = until("its log", SECONDS, lambda: log(stated, task))
    assert "Could not read served logs" not in text


def found(text: str, words: str) -> str:
    """The text if the words are in it."""
    return text if words in text else ""
