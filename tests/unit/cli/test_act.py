"""The commands that act: what they ask of Airflow, of the user, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from dirac_prodsys.cli.actions import act
from dirac_prodsys.cli.main import app
from dirac_prodsys.core.actions.kinds import ACTIONS
from tests.unit.cli.airflow_stub import PASSWORD, PREVIEW, USER, AirflowStub, serving

Ask = Callable[..., Any]


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowStub]:
    monkeypatch.setattr(act, "LOOK_EACH", 0.01)
    with serving(AirflowStub()) as stub:
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW", stub.url)
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_USER", USER)
        monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_PASSWORD", PASSWORD)
        monkeypatch.delenv("DIRAC_PRODSYS_AIRFLOW_TOKEN", raising=False)
        yield stub


@pytest.fixture
def ask(airflow: AirflowStub, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run the command; with ``typed``, as on a terminal."""

    def run(*arguments: str, typed: str | None = None) -> Any:
        monkeypatch.setattr(act, "on_terminal", lambda: typed is not None)
        done = CliRunner().invoke(app, list(arguments), input=typed)
        assert PASSWORD not in done.output
        return done

    return run


def confs(airflow: AirflowStub) -> list[dict[str, Any]]:
    return [body["conf"] for body in airflow.runs.values()]


CLEAN = ("clean", "bands", "--run", "r1")


def test_what_can_be_undone_is_done_at_once(ask: Ask, airflow: AirflowStub) -> None:
    done = ask("stop", "bands", "--step", "a", "--step", "b", "--state", "Active", "--json")
    assert done.exit_code == 0
    assert confs(airflow) == [
        {
            "action": "stop",
            "production": "bands",
            "steps": ["a", "b"],
            "states": ["Active"],
            "force": False,
            "preview": False,
            "confirm": "",
            "digest": "",
            "reason": "",
        }
    ]
    answer = json.loads(done.stdout)
    assert (answer["state"], answer["outcome"]["good"]) == ("success", True)
    assert answer["page"].startswith(f"{airflow.url}/dags/production_operations/runs/stop-")
    assert "preview running, act waiting" in done.stderr


def test_a_preview_is_all_there_is_when_it_is_asked_for(ask: Ask, airflow: AirflowStub) -> None:
    done = ask("stop", "bands", "--preview")
    assert done.exit_code == 0
    assert [conf["preview"] for conf in confs(airflow)] == [True]
    assert "bands__r1__merge" in done.stdout


def test_what_cannot_be_undone_is_not_done_without_a_terminal(
    ask: Ask, airflow: AirflowStub
) -> None:
    done = ask(*CLEAN, "--reason", "old")
    assert done.exit_code == 2
    assert "nothing was touched" in done.stderr
    assert [conf["preview"] for conf in confs(airflow)] == [True]


@pytest.mark.parametrize("typed", ["band\n", "\nyes\ny\n", ""])
def test_another_name_does_nothing(ask: Ask, airflow: AirflowStub, typed: str) -> None:
    assert ask(*CLEAN, "--reason", "old", typed=typed).exit_code != 0
    assert [conf["preview"] for conf in confs(airflow)] == [True]


def test_the_name_and_a_reason_typed_do_what_was_previewed(ask: Ask, airflow: AirflowStub) -> None:
    done = ask(*CLEAN, typed="bands\nold\n")
    assert done.exit_code == 0
    _, real = confs(airflow)
    assert (real["preview"], real["confirm"], real["reason"]) == (False, "bands", "old")
    assert real["digest"] == PREVIEW["digest"]
    assert "1 done, 0 left, 0 refused, 0 failed" in done.stdout


def test_yes_does_it_in_one_run(ask: Ask, airflow: AirflowStub) -> None:
    assert ask(*CLEAN, "--reason", "old", "--yes").exit_code == 0
    (real,) = confs(airflow)
    assert (real["preview"], real["confirm"], real["digest"]) == (False, "bands", "")


def test_a_digest_does_what_was_previewed_unasked(ask: Ask, airflow: AirflowStub) -> None:
    digest = PREVIEW["digest"]
    assert ask(*CLEAN, "--reason", "old", "--digest", digest).exit_code == 0
    (real,) = confs(airflow)
    assert (real["preview"], real["confirm"], real["digest"]) == (False, "bands", digest)


def test_a_preview_shows_the_command_that_carries_it_out(ask: Ask, airflow: AirflowStub) -> None:
    airflow.preview = {**PREVIEW, "commands": ["airflow dags trigger x", "dirac-prodsys x"]}
    done = ask(*CLEAN, "--preview")
    assert "to carry this out: dirac-prodsys x" in done.stderr
    assert "carry this out" not in done.stdout


def test_yes_needs_the_reason(ask: Ask, airflow: AirflowStub) -> None:
    done = ask(*CLEAN, "--yes")
    assert (done.exit_code, airflow.runs) == (2, {})
    assert "needs a reason" in done.stderr


@pytest.mark.parametrize("action", [name for name, kind in ACTIONS.items() if kind.risky])
def test_without_a_reason_nothing_is_previewed_where_nobody_can_be_asked_for_it(
    ask: Ask, airflow: AirflowStub, action: str
) -> None:
    done = ask(action, "bands", "--run", "r1")
    assert (done.exit_code, airflow.runs, airflow.tokens) == (2, {}, [])
    assert f"{action} cannot be undone: it needs a reason" in done.stderr
    assert "--reason" in done.stderr
    assert ask(action, "bands", "--run", "r1", "--preview").exit_code == 0


def test_nothing_to_do_is_not_asked_for(ask: Ask, airflow: AirflowStub) -> None:
    airflow.preview = {**PREVIEW, "rows": [{**PREVIEW["rows"][0], "answer": "leave"}]}
    assert ask(*CLEAN, typed="").exit_code == 0
    assert [conf["preview"] for conf in confs(airflow)] == [True]


def test_a_run_that_fails_says_why(ask: Ask, airflow: AirflowStub) -> None:
    airflow.state, airflow.problem = "failed", "no transformation of ours"
    done = ask("stop", "bands")
    assert done.exit_code == 4
    assert done.stderr.splitlines()[-1] == "no transformation of ours"


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [(403, 3, "ask for the right"), (404, 3, "so it is"), (400, 2, "so it is"), (503, 3, "503")],
)
def test_what_airflow_refuses_ends_with_its_own_code(
    ask: Ask, airflow: AirflowStub, status: int, code: int, message: str
) -> None:
    airflow.status["POST"] = status
    done = ask("stop", "bands")
    assert (done.exit_code, message in done.stderr) == (code, True), done.stderr


def test_a_wrong_password_and_no_password(
    ask: Ask, airflow: AirflowStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_PASSWORD", "wrong")
    done = ask("stop", "bands")
    assert (done.exit_code, "wrong" in done.output) == (3, False)
    monkeypatch.delenv("DIRAC_PRODSYS_AIRFLOW_PASSWORD")
    done = ask("stop", "bands")
    assert done.exit_code == 3
    assert "DIRAC_PRODSYS_AIRFLOW_TOKEN" in done.stderr
    assert ask("stop", "bands", typed=f"{PASSWORD}\n").exit_code == 0


def test_a_token_is_enough(ask: Ask, airflow: AirflowStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIRAC_PRODSYS_AIRFLOW_PASSWORD")
    airflow.tokens.append("given")
    monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW_TOKEN", "given")
    assert ask("stop", "bands").exit_code == 0


def test_a_token_that_expires_is_renewed(ask: Ask, airflow: AirflowStub) -> None:
    airflow.expire = True
    assert ask("stop", "bands").exit_code == 0
    assert len(airflow.runs) == 1


def test_an_answer_that_is_lost_begins_no_second_run(ask: Ask, airflow: AirflowStub) -> None:
    airflow.lost = 1
    assert ask("stop", "bands").exit_code == 0
    assert len(airflow.runs) == 1


def test_an_airflow_that_is_not_there(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIRAC_PRODSYS_AIRFLOW", "http://127.0.0.1:9")
    done = ask("stop", "bands")
    assert done.exit_code == 3
    assert "does not answer" in done.stderr


def test_not_waiting_ends_at_once(ask: Ask, airflow: AirflowStub) -> None:
    done = ask("stop", "bands", "--wait", "0", "--json")
    assert (done.exit_code, json.loads(done.stdout)["state"]) == (0, "")
    assert airflow.looks == {}


def test_a_wrong_command_line_is_refused_before_airflow_is_asked(
    ask: Ask, airflow: AirflowStub
) -> None:
    for arguments in (("extend", "bands"), ("stop", "a b"), ("clean", "bands")):
        assert ask(*arguments).exit_code == 2
    assert airflow.runs == {}
    assert airflow.tokens == []


@pytest.mark.parametrize("action", ACTIONS)
def test_help_has_an_example(ask: Ask, action: str) -> None:
    name = action.replace("_", "-")
    text = " ".join(ask(name, "--help").stdout.split())
    assert f"Example: dirac-prodsys {name} " in text
    assert "--tasks" in text if action == "extend" else "--tasks" not in text


def test_a_group_size_is_an_argument(ask: Ask, airflow: AirflowStub) -> None:
    assert ask("set-group-size", "bands", "2.5").exit_code == 0
    assert confs(airflow)[0]["group_size"] == 2.5
