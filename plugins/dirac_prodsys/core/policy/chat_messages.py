"""Writes a notice as the message of a chat, one entry for each kind of chat.

Invariant: pure. What jobs and people wrote is text: it calls nobody, and becomes no link and no
markup. The address and the key of a chat are in nothing but the request itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote

#: most characters of a text: the smallest chat takes some 16,000 in all
_MOST = 8000
#: keeps a name such as ``@all`` from calling everybody where code is not left alone
_BREAK = "\N{ZERO WIDTH SPACE}"


@dataclass(frozen=True)
class Message:
    """A notice for a chat.

    :param page: address of the run's page; :param runbook: of what to do; empty: there is none.
    :param key: the same for the same notice, whoever sends it and however often.
    """

    subject: str
    text: str = ""
    page: str = ""
    runbook: str = ""
    key: str = ""


@dataclass(frozen=True)
class Chat:
    """How a kind of chat takes messages.

    :param path: below the address; ``{secret}``, ``{room}`` and ``{key}`` are filled in.
    :param body: its JSON; ``{markdown}``, ``{slack}``, ``{html}`` and ``{plain}`` are the message.
    :param repeatable: whether the same request twice is one message.
    """

    method: str
    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False


@dataclass(frozen=True, repr=False)
class ChatRequest:
    """A request that brings a message; it holds the secret, and so has no text of its own."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    repeatable: bool


CHATS: Mapping[str, Chat] = {
    # also Rocket.Chat, and what else takes {"text": Markdown}
    "mattermost": Chat("POST", "{secret}", {"text": "{markdown}"}),
    "slack": Chat("POST", "{secret}", {"text": "{slack}", "unfurl_links": False}),
    "matrix": Chat(
        "PUT",
        "_matrix/client/v3/rooms/{room}/send/m.room.message/{key}",
        {
            "msgtype": "m.text",
            "body": "{plain}",
            "format": "org.matrix.custom.html",
            "formatted_body": "{html}",
            "m.mentions": {},
        },
        headers={"Authorization": "Bearer {secret}"},
        repeatable=True,
    ),
}


def request_of(kind: str, address: str, secret: str, room: str, message: Message) -> ChatRequest:
    """Return the request that brings a message to a chat.

    :param kind: a key of :data:`CHATS`.
    :param address: of the server; empty: the secret is the whole address.
    :param secret: the part of the address, or the token, that lets us write.
    :param room: for chats that want one.
    """
    chat = CHATS[kind]
    own = "://" in secret
    words = {
        "secret": secret if own else quote(secret.lstrip("/"), safe="/"),
        "room": quote(room, safe=""),
        "key": quote(message.key, safe=""),
    }
    path = chat.path.format(**words)
    forms = {
        "{markdown}": _markdown(message),
        "{slack}": _slack(message),
        "{html}": _html(message),
        "{plain}": _plain(message),
    }
    body = {
        name: forms.get(value, value) if isinstance(value, str) else value
        for name, value in chat.body.items()
    }
    return ChatRequest(
        chat.method,
        path if own and path == secret else f"{address.rstrip('/')}/{path}",
        {"Content-Type": "application/json"}
        | {name: value.format(secret=secret) for name, value in chat.headers.items()},
        json.dumps(body).encode(),
        chat.repeatable,
    )


def _text(message: Message) -> str:
    text = message.text.strip()
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def _fenced(text: str) -> str:
    """Return a text as a block of code, which it cannot end."""
    return f"```\n{text.replace('```', _BREAK.join('```'))}\n```" if text else ""


def _links(message: Message) -> list[tuple[str, str]]:
    both = (("See the run", message.page), ("What to do", message.runbook))
    return [(words, address) for words, address in both if address]


def _markdown(message: Message) -> str:
    subject = message.subject.replace("@", f"@{_BREAK}")
    # brackets in a subject are no link
    subject = subject.replace("[", "\\[").replace("]", "\\]")
    links = " · ".join(f"[{words}]({address})" for words, address in _links(message))
    return "\n".join(filter(None, (f"**{subject}**", _fenced(_text(message)), links)))


def _slack(message: Message) -> str:
    def safe(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    links = " · ".join(f"<{safe(address)}|{words}>" for words, address in _links(message))
    parts = (f"*{safe(message.subject)}*", _fenced(safe(_text(message))), links)
    return "\n".join(filter(None, parts))


def _html(message: Message) -> str:
    links = " · ".join(
        f'<a href="{escape(address)}">{words}</a>' for words, address in _links(message)
    )
    text = _text(message)
    code = f"<pre><code>{escape(text)}</code></pre>" if text else ""
    return f"<strong>{escape(message.subject)}</strong>{code}{f'<p>{links}</p>' if links else ''}"


def _plain(message: Message) -> str:
    links = [f"{words}: {address}" for words, address in _links(message)]
    return "\n".join(filter(None, (message.subject, _text(message), *links)))
