"""Mails of a whole run by Airflow's own SMTP notifier: one for each cause, none for a task."""

from __future__ import annotations

import json
from email.message import Message
from pathlib import Path

import pytest

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.integration.dag_runs import Run, completed, text
from tests.integration.smtp_server import smtp_server, text_of

#: hours: longer than both waits take to begin again, else they ask for the jobs for ever
STALLS = "policy: {stall_after: 0.002}"


def mail_to(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that mails everything but flushes."""
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "productions@x.org"}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFY_TO", "shift@x.org")


def test_a_stall_of_two_steps_is_one_mail_and_so_are_its_end_and_the_runs(
    run: Run, grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid.stopped_agents = {"task"}

    def arrives(mail: Message) -> None:
        if "stalled" in str(mail["Subject"]):
            grid.stopped_agents = set()

    with smtp_server(arrives) as server:
        mail_to(server.port, monkeypatch)
        yaml = text(
            "mails", ("left", f"tasks: 2\n    {STALLS}"), ("right", f"tasks: 2\n    {STALLS}")
        )
        dag_run = run(yaml)
    assert dag_run.state == "success"
    stalls = [mail for mail in server.mails if "stalled" in str(mail["Subject"])]
    agents = [mail for mail in stalls if "2 tasks are not submitted" in text_of(mail)]
    assert len(agents) == 1
    assert "the WorkflowTaskAgent" in text_of(agents[0])
    assert agents[0]["To"] == "shift@x.org"
    assert agents[0]["From"] == "productions@x.org"
    assert any("recovered" in subject for subject in server.subjects)
    ends = [mail for mail in server.mails if "completed" in str(mail["Subject"])]
    assert len(ends) == 1
    assert "production mails, run" in text_of(ends[0])
    assert server.mails[-1] is ends[0]
    assert len(set(map(text_of, server.mails))) == len(server.mails)


def test_what_a_job_says_is_text_in_a_mail_and_is_not_rendered(
    run: Run, grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(task) -> bool:
        task.application = "<b>{{ 6 * 7 }}</b>"
        return True

    grid.fails = fails
    with smtp_server() as server:
        mail_to(server.port, monkeypatch)
        dag_run = run(text("bad", ("make", "tasks: 2")))
    assert dag_run.state == "failed"
    assert len(server.subjects) == 2
    assert [subject.split("] ")[1].split(" (")[0] for subject in server.subjects] == [
        "given up",
        "failed",
    ]
    body = text_of(server.mails[-1])
    assert "&lt;b&gt;{{ 6 * 7 }}&lt;/b&gt;" in body
    assert "make.wait_for_completion" in body


def test_a_mail_server_that_is_down_fails_no_task(
    run: Run, grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp_server() as server:
        port = server.port
    mail_to(port, monkeypatch)
    dag_run = run(text("mute", ("make", "tasks: 2")))
    assert dag_run.state == "success"
    assert completed(dag_run)


def test_tables_of_jobs_are_mailed_by_type_on_change_and_not_more_often_than_the_site_says(
    run: Run, grid: MemoryGrid, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("version: 1\njob_reports: {MCSimulation: 1000, '*': 0}\n")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", str(site))
    grid.fails = lambda task: task.id == 1

    with smtp_server() as server:
        mail_to(server.port, monkeypatch)
        tolerates = "policy: {extend: {up_to: 0.5, tolerance: 0.5, max_failed: 0.9}}"
        yaml = text(
            "tables", ("make", f"tasks: 4\n    {tolerates}"), ("merge", "input: {from: make}")
        )
        dag_run = run(yaml)
    assert dag_run.state == "success"
    tables = [mail for mail in server.mails if "] jobs (" in str(mail["Subject"])]
    assert [str(mail["Subject"]).split("]")[0] for mail in tables] == ["[tables: make"]
    table = text_of(tables[0])
    for heading in ("Status", "MinorStatus", "ApplicationStatus", "Site", "Total"):
        assert f"<th>{heading}</th>" in table
