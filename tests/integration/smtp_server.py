"""A mail server of a few lines, for tests: takes every mail, and keeps it."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message


class _Session(socketserver.StreamRequestHandler):
    server: SmtpServer

    def handle(self) -> None:
        """One session of SMTP (RFC 5321), as far as a sender needs it."""
        self._say("220 test")
        while line := self.rfile.readline():
            word = line.decode().strip().upper()
            if word.startswith(("EHLO", "HELO", "MAIL", "RCPT", "RSET", "NOOP")):
                self._say("250 ok")
            elif word == "DATA":
                self._say("354 go on")
                self.server.take(self._data())
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("502 no")

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class SmtpServer(socketserver.ThreadingTCPServer):
    """Listens on a free port of this machine.

    :param arrives: called with each mail, before the sender hears that it was taken.
    """

    daemon_threads = True

    def __init__(self, arrives: Callable[[Message], None] = lambda mail: None) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.port = int(self.server_address[1])
        self.mails: list[Message] = []
        self._arrives = arrives

    def take(self, data: bytes) -> None:
        """Keep a mail."""
        mail = email.message_from_bytes(data)
        self.mails.append(mail)
        self._arrives(mail)

    @property
    def subjects(self) -> list[str]:
        """Of all mails, in the order in which they came."""
        return [str(mail["Subject"]) for mail in self.mails]


@contextmanager
def smtp_server(arrives: Callable[[Message], None] = lambda mail: None) -> Iterator[SmtpServer]:
    """A running mail server."""
    with SmtpServer(arrives) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def text_of(mail: Message) -> str:
    """All that a mail says."""
    parts = [part for part in mail.walk() if not part.is_multipart()]
    return "\n".join(bytes(part.get_payload(decode=True) or b"").decode() for part in parts)
