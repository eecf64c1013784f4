"""The relay: what it passes on, and that a broken connection ends nothing else."""

from __future__ import annotations

import asyncio
from functools import partial

from sandbox.drivers.relay import serve


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer when the question has ended."""
    writer.write(b"heard " + await reader.read())
    await writer.drain()
    writer.close()


async def relay_to(port: int) -> asyncio.Server:
    return await asyncio.start_server(partial(serve, "127.0.0.1", port), "127.0.0.1", 0)


def port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def ask(port: int, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(question)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_both_directions_are_passed_on_to_their_end() -> None:
    question = b"x" * 300_000
    async with (
        await asyncio.start_server(echo, "127.0.0.1", 0) as server,
        await relay_to(port_of(server)) as relay,
    ):
        assert await ask(port_of(relay), question) == b"heard " + question


async def test_a_server_that_is_not_there_costs_one_connection() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = port_of(server)
    server.close()
    await server.wait_closed()
    async with await relay_to(port) as relay:
        assert await ask(port_of(relay), b"") == b""
        async with await asyncio.start_server(echo, "127.0.0.1", port):
            assert await ask(port_of(relay), b"again") == b"heard again"
