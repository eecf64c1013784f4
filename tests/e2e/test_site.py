"""The site's word on a real Airflow: for authors' files, for removals, and for who acts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dirac_prodsys.errors import GatewayDenied
from sandbox.airflow.rest import AirflowRest
from tests.e2e.acting import DAG, by_airflow, command, words
from tests.e2e.asking import answer, question
from tests.e2e.site import UNLIMITED, Site
from tests.patience import until

NAME, RUN = "sited", "acts"

RULES = """\
version: 1
roles: {shifters: [shifter]}
actions:
  - {roles: [shifters], actions: [stop, resume], connections: [dirac_default]}
  - {users: [admin], actions: ["*"], connections: [dirac_default]}
"""

#: user, action, connection → whether the site allows it; every cell of the matrix is in
#: ``tests/unit/core/site/test_rights.py``
MATRIX = {
    ("admin", "clean", "dirac_default"): True,
    ("admin", "stop", "dirac_other"): False,
    ("shifter", "stop", "dirac_default"): True,
    ("shifter", "clean", "dirac_default"): False,
    ("shifter", "stop", "dirac_other"): False,
}


@pytest.fixture
def allow(site: Site) -> Iterator[Callable[[str], None]]:
    """Writes the site's file; afterwards it limits nothing, as for all other tests."""
    assert site.site_file is not None

    def write(text: str) -> None:
        part = site.site_file.with_suffix(".part")
        part.write_text(text)
        part.replace(site.site_file)

    yield write
    write(UNLIMITED)


@pytest.fixture(scope="module")
def acted(site: Site) -> str:
    """A production that waits for its gate."""
    site.drop(NAME, site.gated("hold"))
    site.begin(NAME, RUN)
    site.waiting(NAME, RUN, "hold.wait_for_completion", seconds=300)
    return NAME


def as_user(site: Site, user: str) -> AirflowRest:
    logins = (site.stack.login, site.stack.viewer_login, site.stack.shifter_login)
    name, password = next(login for login in logins if login[0] == user)
    return AirflowRest(site.stack.url, name, password)


def status(site: Site) -> str:
    ((_number, word),) = site.rows(NAME, RUN, "hold")
    return str(word)


def log_of(site: Site, name: str, run: str, task: str) -> str:
    return str(site.rest.get(f"dags/{name}/dagRuns/{run}/taskInstances/{task}/logs/1"))


def test_the_matrix_of_users_actions_and_connections_holds_on_a_real_airflow(
    site: Site, acted: str, allow: Any
) -> None:
    allow(RULES)
    for (user, action, connection), may in MATRIX.items():
        run = f"matrix-{user}-{connection}-{action}"
        asked = {"production": acted, "run": RUN, "connection": connection}
        with as_user(site, user) as rest:
            rest.trigger(DAG, run, {"action": action, **asked})
        ended = site.ended(DAG, run, 400)
        assert ended["state"] == ("success" if may else "failed"), run
        if may:
            assert site.rest.xcom(DAG, run, "preview")["by"] == user
        else:
            problem = site.rest.xcom(DAG, run, "preview", "problem")
            assert f"{user} may not {action} through connection {connection!r}" in problem
    with as_user(site, "viewer") as rest, pytest.raises(GatewayDenied, match="403"):
        rest.trigger(DAG, "by-a-viewer", {"action": "stop", "production": acted})
    assert status(site) == "Active"


def test_a_shifter_stops_and_does_not_complete_whatever_way_it_is_asked(
    site: Site, acted: str, allow: Any
) -> None:
    allow(RULES)
    user = site.stack.shifter_login
    stopped = command(site, "stop", acted, "--run", RUN, "--json", user=user)
    assert words(stopped) == {"hold": "done"}
    assert status(site) == "Stopped"
    done = command(site, "complete", acted, "--run", RUN, "--reason", "a test", "--yes", user=user)
    assert done.returncode != 0
    assert "shifter may not complete" in done.stdout + done.stderr
    run = by_airflow(
        site, "complete", "by-a-shell", production=acted, preview=False, reason="a test"
    )
    assert site.ended(DAG, run, 300)["state"] == "failed"
    # the user of the operating system, of whom no rule speaks
    assert "may not complete" in site.rest.xcom(DAG, run, "preview", "problem")
    assert status(site) == "Stopped"
    resumed = command(site, "resume", acted, "--run", RUN, "--json", user=user)
    assert words(resumed) == {"hold": "done"}
    site.open_gate(acted, RUN)
    site.succeeds(acted, RUN, 300)


def test_what_was_refused_is_done_when_the_site_allows_it_and_the_run_is_cleared(
    site: Site, acted: str, allow: Any
) -> None:
    allow("version: 1\nactions: []\n")
    run = "taken"
    site.rest.trigger(DAG, run, {"action": "stop", "production": acted, "preview": False})
    assert site.ended(DAG, run, 300)["state"] == "failed"
    allow(RULES)
    clear = {"dry_run": False, "only_failed": True, "dag_run_id": run}
    site.rest.call("POST", f"dags/{DAG}/clearTaskInstances", json=clear)
    assert site.ended(DAG, run, 300)["state"] == "success"


def test_a_file_beyond_the_limits_is_an_import_error_and_a_run_cannot_go_round_them(
    site: Site, allow: Any
) -> None:
    limited = UNLIMITED + "bundles: {productions: {outputs: [/sim/e2e]}, '*': {}}\n"
    allow(limited)
    inside = site.quick("make").replace("/sim/e2e/", "/sim/${{ parameters.to }}/")
    text = site.drop("elsewhere", inside).read_text()
    (site.productions / "elsewhere.yaml").write_text(
        text.replace("steps:", "parameters: {to: {type: string, default: e2e}}\nsteps:", 1)
    )
    site.drop("beyond", site.quick("make").replace("/sim/e2e/", "/sim/raw/"))

    def reported() -> bool:
        errors = site.rest.get("importErrors")["import_errors"]
        return any("files are made in /sim/raw/beyond" in e["stack_trace"] for e in errors)

    until("the import error", 120, reported)
    site.known("elsewhere")
    assert "beyond" not in site.rest.dags()
    for run, to, ends in (("good", "e2e", "success"), ("bad", "raw", "failed")):
        site.rest.trigger("elsewhere", run, {"to": to})
        assert site.ended("elsewhere", run, 300)["state"] == ends
    assert site.rows("elsewhere", "bad", "make") == []
    assert "files are made in /sim/raw" in log_of(site, "elsewhere", "bad", "prepare.create.make")
    (site.productions / "beyond.yaml").unlink()
    # a file that was served before the site's file forbade it
    allow(limited.replace("/sim/e2e", "/sim/other"))
    site.rest.trigger("elsewhere", "late")
    assert site.ended("elsewhere", "late", 300)["state"] == "failed"
    assert site.rows("elsewhere", "late", "make") == []


def test_a_removal_waits_for_who_the_site_names(site: Site, allow: Any) -> None:
    allow(UNLIMITED + "removal_approvals: {sim: {users: [admin]}}\n")
    text = """\
rm:
  type: Removal
  input: {where: {production: nothing, run: "${{ run }}"}}
  job: {type: request, operations: [{type: RemoveFile}]}
"""
    site.drop("removing", text)
    site.begin("removing", "r1")
    asked = question(site, "r1", "rm.start")
    assert asked["subject"] == "Let step rm remove 0 files, 0 B?"
    assert [state for _, state in site.rows("removing", "r1", "rm")] == ["New"]
    with as_user(site, "shifter") as rest, pytest.raises(GatewayDenied, match="403"):
        answer(rest, "removing", "r1", "rm.start", "Approve")
    answer(site.rest, "removing", "r1", "rm.start", "Approve")
    until(
        "it is Active",
        240,
        lambda: [state for _, state in site.rows("removing", "r1", "rm")] == ["Active"],
        each=0.5,
    )
