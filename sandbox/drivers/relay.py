"""Passes connections on: ``python -m sandbox.drivers.relay HERE THERE PORT...``.

The grid's services listen on loopback of the machine on which they run. On the network, this
program listens for them: on address HERE, for the same ports on address THERE.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from functools import partial
from pathlib import Path

_BYTES = 65536


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy one direction until its end, and tell the other side of it."""
    with contextlib.suppress(OSError):
        while data := await source.read(_BYTES):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()


async def serve(
    there: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Connect one client with the server; whatever breaks, close both."""
    with contextlib.closing(writer):
        try:
            answers, questions = await asyncio.open_connection(there, port)
        except OSError:
            return
        with contextlib.closing(questions):
            await asyncio.gather(pass_on(reader, questions), pass_on(answers, writer))


async def main(here: str, there: str, ports: list[int]) -> None:
    for port in ports:
        await asyncio.start_server(partial(serve, there, port), here, port)
    Path(os.environ["SANDBOX_READY_FILE"]).touch()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], [int(port) for port in sys.argv[3:]]))
