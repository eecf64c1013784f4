"""People's actions on a production that runs: by form, command line and REST; each is a DAG run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.errors import DefinitionError, GatewayDenied
from sandbox.airflow.rest import AirflowRest
from tests.e2e.acting import (
    DAG,
    NEEDS,
    RUN,
    TWICE,
    ask,
    by_airflow,
    command,
    everything,
    held,
    merging,
    outcome,
    status,
    tasks,
    unused,
    words,
)
from tests.e2e.site import Site
from tests.e2e.test_killed import dead
from tests.e2e.trigger_form import browser_page, fill, open_form, submit
from tests.patience import until


@pytest.fixture(scope="module")
def acted(site: Site) -> str:
    """A production whose merging waits for a person, behind three files that are made."""
    site.drop("acted", *merging(site, "acted"))
    site.begin("acted", RUN)
    site.waiting("acted", RUN, "merge.wait_for_completion", "hold.wait_for_completion", seconds=300)
    until("three files", 240, lambda: unused(site, "acted") == 3, each=0.5)
    until("make is complete", 240, lambda: status(site, "acted", "make") == "Completed", each=0.5)
    return "acted"


def test_a_preview_touches_nothing(site: Site, acted: str) -> None:
    before = everything(site)
    runs = {a: ask(site, a, production=acted, **NEEDS.get(a, {})) for a in ACTIONS}
    for action, run in runs.items():
        assert site.ended(DAG, run, 400)["state"] == "success", action
        assert site.states(DAG, run)["act"] == "skipped"
        preview = site.rest.xcom(DAG, run, "preview")
        assert {row["name"].split("__")[2] for row in preview["rows"]} == {
            "make",
            "merge",
            "hold",
            "late",
        }
        assert preview["by"] == site.stack.login[0]
    assert everything(site) == before
    (merge,) = [
        row
        for row in site.rest.xcom(DAG, runs["flush"], "preview")["rows"]
        if row["name"] == f"acted__{RUN}__merge"
    ]
    assert (merge["answer"], merge["files"], merge["bytes"]) == ("act", 3, 15)


def test_who_may_only_look_is_refused(site: Site, acted: str) -> None:
    user, password = site.stack.viewer_login
    rest = AirflowRest(site.stack.url, user, password)
    with rest, pytest.raises(GatewayDenied, match="403"):
        rest.trigger(DAG, "by-viewer", {"action": "stop", "production": acted})
    done = command(site, "stop", acted, "--preview", user=(user, password))
    assert done.returncode == 3
    assert "403" in done.stderr
    assert password not in done.stdout + done.stderr
    assert "by-viewer" not in site.rest.run_ids(DAG)


def test_a_removal_needs_the_name_of_the_production_typed(site: Site, acted: str) -> None:
    before = everything(site)
    real = {"production": acted, "run": RUN, "reason": "a test", "preview": False}
    runs = [ask(site, "clean", **real, confirm="actde"), ask(site, "delete", **real)]
    for run in runs:
        assert site.ended(DAG, run, 300)["state"] == "failed"
        assert "is not confirmed" in site.rest.xcom(DAG, run, "preview", "problem")
    done = command(site, "clean", acted, "--run", RUN, "--reason", "a test")
    assert (done.returncode, "nothing was touched" in done.stderr) == (2, True)
    assert everything(site) == before
    with pytest.raises(DefinitionError, match="400"):
        ask(site, "format_the_disk", production=acted)
    with pytest.raises(DefinitionError, match="400"):
        ask(site, "stop", production="{{ ds }}")


def test_every_action_on_a_running_production(site: Site, acted: str, tmp_path: Path) -> None:
    # stopped by the command line: the production's own run waits, and does not start it again
    stopped = command(site, "stop", acted, "--run", RUN, "--reason", "a test", "--json")
    assert words(stopped) == {"make": "left", "merge": "done", "hold": "done", "late": "left"}
    assert (status(site, acted, "merge"), status(site, acted, "hold")) == ("Stopped", "Stopped")
    # a worker may be at it just now, to keep who stopped it
    site.waiting(acted, RUN, "merge.wait_for_completion")

    run = ask(site, "resume", production=acted, preview=False)
    assert outcome(site, run) == {"make": "left", "merge": "done", "hold": "done", "late": "left"}
    assert status(site, acted, "merge") == "Active"

    # groups of two from the flush on, which clearing the step's creation does not undo
    sized = command(site, "set-group-size", acted, "2", "--step", "merge", "--json")
    assert words(sized) == {"merge": "done"}
    clear = {
        "dry_run": False,
        "only_failed": False,
        "task_ids": ["prepare.create.merge"],
        "dag_run_id": RUN,
    }
    site.rest.call("POST", f"dags/{acted}/clearTaskInstances", json=clear)

    with browser_page(site.stack, *site.stack.login) as page:
        open_form(page, site.stack, DAG)
        fill(page, {"action": "flush", "production": acted, "run": RUN, "steps": "merge"})
        fill(page, {"reason": "by the form", "preview": False})
        picture = tmp_path / "production-operations.png"
        flushed = submit(page, picture)
    assert picture.stat().st_size > 10_000
    assert outcome(site, flushed) == {"merge": "done"}
    until("no file is left", 240, lambda: unused(site, acted) == 0, each=0.3)
    assert tasks(site, acted, "merge") == 2

    runs = [
        by_airflow(site, "extend", production=acted, steps=["hold"], tasks=2, preview=False),
        ask(site, "start", production=acted, steps=["late"], preview=False),
    ]
    assert outcome(site, runs[0]) == {"hold": "done"}
    assert outcome(site, runs[1]) == {"late": "done"}
    assert status(site, acted, "late") == "Active"
    assert tasks(site, acted, "hold") == 3

    # its jobs still wait at the gate; the production's run goes on all the same
    completed = command(
        site, "complete", acted, "--step", "hold", "--yes", "--reason", "a test", "--json"
    )
    assert words(completed) == {"hold": "done"}
    until(
        "hold is complete",
        240,
        lambda: site.states(acted, RUN)["hold.complete"] == "success",
        each=0.5,
    )
    site.open_gate(acted, RUN)  # they hold the places of the grid's only executor
    site.succeeds(acted, RUN, seconds=400)
    assert site.tries(acted, RUN)["prepare.create.merge"] == 2
    states = site.states(acted, RUN)
    assert states.pop("finish.on_cancel") == "skipped"
    assert set(states.values()) == {"success"}
    notes = {
        row[0]: row[2] for row in everything(site)["AdditionalParameters"] if "LastAction" in row
    }
    ((hold, _status),) = site.rows(acted, RUN, "hold")
    assert re.fullmatch(r"complete by admin: a test \(complete-.*\)", notes[hold]), notes


def test_clean_is_asked_of_diracs_agent_and_nothing_is_forgotten_before_it_is_done(
    site: Site, acted: str
) -> None:
    """A light grid has no cleaning agent; to its end it goes in ``full/test_clean``."""
    given = ("--run", RUN, "--reason", "a test", "--yes", "--json")
    steps = ("make", "merge", "hold", "late")
    refused = command(site, "delete", acted, *given)
    assert refused.returncode == 4
    results = json.loads(refused.stdout)["outcome"]["results"]
    assert {one["word"] for one in results} == {"refused"}
    assert words(command(site, "clean", acted, *given)) == dict.fromkeys(steps, "done")
    assert {status(site, acted, step) for step in steps} == {"Cleaning"}
    answers = {
        row[0]: row[2]
        for row in everything(site)["AdditionalParameters"]
        if "OutputDirectories" in row
    }
    own = {step: answers[site.rows(acted, RUN, step)[0][0]] for step in steps}
    assert own["make"] == str([f"/sim/e2e/{acted}/{RUN}/make"])
    assert own["hold"] == "[]"
    early = command(site, "delete", acted, *given)
    assert early.returncode == 4
    results = json.loads(early.stdout)["outcome"]["results"]
    assert {one["word"] for one in results} == {"refused"}


def test_a_worker_killed_in_the_middle_goes_on_where_it_stopped(site: Site) -> None:
    name = "acted_twice"
    site.drop(name, site.gated("first"), site.gated("second"))
    site.begin(name, TWICE)
    waits = ("first.wait_for_completion", "second.wait_for_completion")
    site.waiting(name, TWICE, *waits, seconds=300)
    first, second = sorted(site.rows(name, TWICE, step)[0][0] for step in ("first", "second"))
    with held(site, second):
        run = ask(site, "stop", production=name, reason="killed", preview=False)

        def between() -> Any:
            begun = (first, "Status updated to Stopped") in everything(site)["TransformationLog"]
            return begun and site.stack.worker(DAG, run, "act")

        worker = until("the act is half done", 300, between, each=0.1)
        worker.kill()
        until("it is dead", 10, lambda: dead(worker))
    assert outcome(site, run) == {"first": "done", "second": "done"}
    assert site.tries(DAG, run)["act"] == 2
    log = everything(site)["TransformationLog"]
    for number in (first, second):
        assert log.count((number, "Status updated to Stopped")) == 1
    site.open_gate(name, TWICE)
    resumed = command(site, "resume", name, "--json")
    assert words(resumed) == {"first": "done", "second": "done"}
    site.succeeds(name, TWICE, seconds=400)
