"""A notice in a chat: a real server on loopback takes it, once, and no log has the secret."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dirac_prodsys.core.policy.notices import Notice
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.people.notify import NoticeSender, wanted
from dirac_prodsys.provider.people.webhook import WebhookNotifier
from tests.unit.provider.people.test_notify import TaskInstance

SECRET = "hooks/xyz-s3cret"

Connected = Callable[..., None]


@dataclass
class Chat:
    """What came, and how the next requests are answered.

    :param answers: statuses, then 200; 0: the connection is cut without an answer.
    """

    port: int = 0
    came: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@pytest.fixture
def chat() -> Iterator[Chat]:
    found = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.came.append((self.command, self.path, dict(self.headers), body))
            status = found.answers.pop(0) if found.answers else 200
            if not status:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_PUT = do_POST  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connected(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> Connected:
    """Sets the connection ``chat``, which is the deployment's, beside no mail."""

    def connect(kind: str = "mattermost", **more: Any) -> None:
        value = {
            "conn_type": "http",
            "host": f"http://127.0.0.1:{chat.port}",
            "password": SECRET,
            "extra": {"kind": kind},
            **more,
        }
        monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps(value))
        monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__WEBHOOK_CONN_IDS", "chat")
        monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/a/")

    connect()
    return connect


def notify(**more: Any) -> None:
    WebhookNotifier(conn_id="chat", subject="s", text="t", wait=0.01, **more).notify({})  # type: ignore[typeddict-item]


@pytest.fixture
def sender(
    grid: MemoryGrid, production: Production, context: dict[str, Any], connected: Connected
) -> NoticeSender:
    from dirac_prodsys.provider.operators import DiracCreateTransformationOperator

    for step in ("make", "merge"):
        DiracCreateTransformationOperator(task_id="t", production=production, step=step).work(
            context,  # type: ignore[arg-type]
            {},
        )
    context["ti"] = TaskInstance()
    return NoticeSender(context, "dirac_default", production)  # type: ignore[arg-type]


def test_a_notice_is_written_once_with_the_run_and_what_to_do(
    sender: NoticeSender, chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert wanted(sender.production)
    notice = Notice("stalled", ("agent",), "merge: @all stands", "merge")
    assert sender.send(notice) == "sent"
    assert sender.send(notice) == "known"
    ((method, path, _, body),) = chat.came
    assert (method, path) == ("POST", f"/{SECRET}")
    assert body["text"].startswith("**\\[two: merge\\] stalled (run r1)**\n```\nmerge: @all stands")
    page = "https://airflow.example.org/a/plugin/dirac-productions"
    assert f"[See the run]({page}/run/two/r1?step=merge)" in body["text"]
    assert f"[What to do]({page}/runbook/stalled)" in body["text"]
    # the log of the task leads there, too
    assert f"{page}/runbook/stalled" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_site_says_where_its_runbooks_are(
    sender: NoticeSender, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__RUNBOOKS_URL", "https://docs.example.org/{name}/")
    sender.send(Notice("failed", ("run",), "x"))
    assert "(https://docs.example.org/failed/)" in chat.came[0][3]["text"]


def test_what_a_chat_did_not_take_is_sent_again(chat: Chat, connected: Connected) -> None:
    chat.answers = [503, 429]
    notify()
    assert len(chat.came) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_what_a_chat_refuses_is_reported_and_not_repeated(
    chat: Chat, connected: Connected, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chat.answers = [status]
    with pytest.raises(ProdsysError, match=f"answers {status}") as caught:
        notify()
    assert len(chat.came) == 1
    assert "s3cret" not in f"{caught.value}{caught.value!r}{caplog.text}"


def test_what_may_have_arrived_is_not_sent_again_unless_twice_is_once(
    chat: Chat, connected: Connected
) -> None:
    chat.answers = [0]
    notify()
    assert len(chat.came) == 1
    connected("matrix", login="!room:example.org")
    chat.answers = [0]
    notify(key="same")
    first, second = chat.came[1:]
    assert (
        first[1]
        == second[1]
        == ("/_matrix/client/v3/rooms/%21room%3Aexample.org/send/m.room.message/same")
    )
    assert first[2]["Authorization"] == f"Bearer {SECRET}"


def test_a_chat_that_is_not_reached_is_tried_a_few_times(
    connected: Connected, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        connected(host=f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(ProdsysError, match="not reached: ConnectError") as caught:
            notify()
    assert "s3cret" not in f"{caught.value!r}{caplog.text}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"extra": {"kind": "irc"}}, "kind 'irc' is no chat"),
        ({"password": ""}, "does not say where the chat is"),
        ({"host": ""}, "does not say where the chat is"),
        ({"host": "ftp://127.0.0.1"}, "has no web address"),
    ],
)
def test_a_wrong_connection_says_what_is_wrong(
    connected: Connected, wrong: dict[str, Any], said: str
) -> None:
    connected(**wrong)
    with pytest.raises(ProdsysError, match=said) as caught:
        notify()
    assert "s3cret" not in repr(caught.value)


def test_a_connection_that_is_not_there_fails_the_notice_alone(
    sender: NoticeSender, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_CHAT")
    assert sender.send(Notice("failed", ("run",), "x")) == "failed"
    assert chat.came == []


def test_mail_that_was_sent_is_not_sent_again_because_a_chat_is_away(
    sender: NoticeSender,
    chat: Chat,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from tests.unit.provider.people import test_notify

    recorder = {"class": f"{test_notify.__name__}.Recorder", "kwargs": {"text": "{text}"}}
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NOTIFIER", json.dumps(recorder))
    test_notify.SENT.clear()
    chat.answers = [404]
    notice = Notice("stalled", ("agent",), "it stands")
    assert sender.send(notice) == "sent"
    assert sender.send(notice) == "known"
    assert len(test_notify.SENT) == len(chat.came) == 1
    assert "one of 2 notifiers did not send it" in caplog.text
    assert "What to do: https://airflow.example.org/a/plugin" in test_notify.SENT[0]["text"]
