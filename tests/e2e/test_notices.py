"""Notices of a run on a real site: mails to people, and DIRAC's registry of productions."""

from __future__ import annotations

import re
import subprocess
from email.message import Message

import pytest

from tests.e2e.site import Site
from tests.integration.smtp_server import SmtpServer, smtp_server, text_of
from tests.patience import until

STEPS = ("left", "middle", "right")


def connect_mail(site: Site, server: SmtpServer) -> None:
    """The connection of Airflow's SMTP provider, as an administrator makes it."""
    site.rest.call(
        "POST",
        "connections",
        json={
            "connection_id": "smtp_default",
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": server.port,
            "extra": '{"disable_ssl": true, "disable_tls": true, "from_email": "prod@x.org"}',
        },
    )


def topic(mail: Message) -> str:
    """What a mail is about: without numbers, and without the step that was first."""
    text = re.sub(r"<p><a href=.*?</p>", "", text_of(mail), flags=re.DOTALL)
    return re.sub(r"\d+(\.\d+)?", "#", text.split("nothing moved")[-1])


def of_kind(server: SmtpServer, kind: str) -> list[Message]:
    return [mail for mail in server.mails if f"] {kind} (" in str(mail["Subject"])]


@pytest.mark.soak
def test_three_steps_that_stall_at_once_are_one_mail_and_clearing_repeats_none(site: Site) -> None:
    patience = "  policy: {stall_after: 0.001}\n"
    site.drop(
        "notices",
        *(site.gated(step) + patience for step in STEPS),
        facts="notify: {to: shift@x.org}",
    )
    with smtp_server() as server:
        connect_mail(site, server)
        site.begin("notices", "run")
        until("a stall is reported", 240, lambda: of_kind(server, "stalled"), each=0.5)
        site.open_gate("notices", "run")
        site.succeeds("notices", "run", seconds=240)
        until("the end is reported", 30, lambda: of_kind(server, "completed"), each=0.5)

        stalls = [topic(mail) for mail in of_kind(server, "stalled")]
        assert len(stalls) == len(set(stalls)), stalls
        for stall in of_kind(server, "stalled"):
            assert "/plugin/dirac-productions/run/notices/run?step=" in text_of(stall)
            assert "/plugin/dirac-productions/runbook/stalled" in text_of(stall)
        assert {mail["To"] for mail in server.mails} == {"shift@x.org"}
        (end,) = of_kind(server, "completed")
        assert "production notices, run run" in text_of(end)
        assert not of_kind(server, "failed")

        before = len(server.mails)
        task = "finish.report"
        site.clear("notices", "run", task)
        until("it runs again", 120, lambda: site.tries("notices", "run")[task] == 2, each=0.5)
        site.succeeds("notices", "run")
        assert len(server.mails) == before

    done = subprocess.run(
        ["dirac-prod-get", "notices__run"],
        env=site.grid.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert " Completed " in done.stdout, done.stdout + done.stderr
    assert site.states("notices", "run")["prepare.register"] == "success"
