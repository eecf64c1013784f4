"""Messages of chats: what jobs wrote calls nobody, and the secret is in the request alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.core.policy.chat_messages import CHATS, ChatRequest, Message, request_of

HOSTILE = "@all <!channel> [x](http://evil) ``` <b>&\n* more"
MESSAGE = Message("[two: merge] stalled", HOSTILE, "https://a/p", "https://a/r", "k/1")


def asked(kind: str, message: Message = MESSAGE) -> tuple[ChatRequest, Any]:
    found = request_of(kind, "https://chat.example.org/x/", "s3cret", "!room:example.org", message)
    return found, json.loads(found.body)


def test_each_chat_is_asked_in_its_own_way() -> None:
    found, body = asked("mattermost")
    assert (found.method, found.url) == ("POST", "https://chat.example.org/x/s3cret")
    assert body["text"].endswith("[See the run](https://a/p) · [What to do](https://a/r)")
    found, body = asked("slack")
    assert body["text"].endswith("<https://a/p|See the run> · <https://a/r|What to do>")
    found, body = asked("matrix")
    room = "%21room%3Aexample.org"
    path = f"_matrix/client/v3/rooms/{room}/send/m.room.message/k%2F1"
    assert (found.method, found.url) == ("PUT", f"https://chat.example.org/x/{path}")
    assert found.headers["Authorization"] == "Bearer s3cret"
    assert body["msgtype"] == "m.text"
    assert [kind for kind, chat in CHATS.items() if chat.repeatable] == ["matrix"]


def test_a_secret_that_is_an_address_is_the_whole_address() -> None:
    found = request_of("slack", "", "https://hooks.slack.com/services/T/B/x?y=1", "", MESSAGE)
    assert found.url == "https://hooks.slack.com/services/T/B/x?y=1"


def test_what_jobs_wrote_is_neither_markup_nor_a_call() -> None:
    text = asked("mattermost")[1]["text"]
    subject, fenced = text.split("```\n", 1)
    assert subject == "**\\[two: merge\\] stalled**\n"
    assert "```" not in fenced.rsplit("\n```\n", 1)[0]  # the block ends where ours does
    assert "<" not in asked("slack")[1]["text"].replace("<https://a/", "")
    html = asked("matrix")[1]["formatted_body"]
    assert "&lt;b&gt;&amp;" in html
    assert asked("matrix")[1]["m.mentions"] == {}
    called = asked("mattermost", Message("@all stands"))[1]["text"]
    assert "@all" not in called


@pytest.mark.parametrize("kind", CHATS)
def test_a_message_is_short_enough_and_shows_no_secret(kind: str) -> None:
    found, body = asked(kind, Message("s", "x" * 100_000))
    assert len(found.body) < 30_000
    assert "s3cret" not in json.dumps(body)
    assert "s3cret" not in repr(found)
