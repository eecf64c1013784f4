"""One look for all who wait: counted calls, outages survived, an end with the last waiter."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.errors import GatewayDenied, GatewayUnavailable
from dirac_prodsys.gateway.records import GatewaySettings, Identity
from dirac_prodsys.provider.waiting import poller as poller_module
from dirac_prodsys.provider.waiting.poller import attached


class CountingGateway:
    """A gateway that counts what it is asked, and can be down or hang."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.calls: Counter[str] = Counter()
        self.asked: list[list[int]] = []
        self.error: Exception | None = None
        self.hangs: threading.Event | None = None

    def snapshot(self, transformations: Sequence[int]) -> dict[int, Snapshot]:
        self.calls["snapshot"] += 1
        self.asked.append(list(transformations))
        if self.hangs is not None:
            self.hangs.wait()
        if self.error is not None:
            raise self.error
        return {
            number: Snapshot(number, f"t{number}", "Merging", TransformationStatus.ACTIVE)
            for number in transformations
            if number < 900_000
        }

    def ping(self) -> Identity:
        self.calls["ping"] += 1
        if self.error is not None:
            raise self.error
        return Identity("u", "g", "v", "9")


@pytest.fixture
def opened(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[..., str]
) -> Iterator[list[CountingGateway]]:
    """The gateways that pollers opened, in order; the connection polls every 10 ms."""
    gateways: list[CountingGateway] = []

    def open_gateway(settings: GatewaySettings) -> CountingGateway:
        gateways.append(CountingGateway(settings))
        return gateways[-1]

    monkeypatch.setattr(poller_module, "open_gateway", open_gateway)
    connect(poll_interval=0.01, timeout=1)
    yield gateways
    for gateway in gateways:
        if gateway.hangs is not None:
            gateway.hangs.set()


async def wait(number: int, looks: int) -> list[Any]:
    async with attached("dirac_default") as poller:
        seen = [await poller.look(number, first=True)]
        while len(seen) < looks:
            seen.append(await poller.look(number))
        return seen


async def test_a_thousand_waiters_cost_one_call_a_cycle(opened: list[CountingGateway]) -> None:
    looks = await asyncio.gather(*(wait(number, 10) for number in range(1000)))
    assert all(look.snapshot.id == number for number, seen in enumerate(looks) for look in seen)
    (gateway,) = opened
    assert gateway.asked == [list(range(1000))] * 10


async def test_two_who_wait_for_the_same_share_its_place(opened: list[CountingGateway]) -> None:
    await asyncio.gather(wait(7, 3), wait(7, 3))
    assert opened[0].asked == [[7]] * 3


async def test_an_unknown_transformation_is_neither_a_snapshot_nor_an_outage(
    opened: list[CountingGateway],
) -> None:
    ((look,), _) = await asyncio.gather(wait(900_000, 1), wait(1, 1))
    assert look.snapshot is None
    assert not look.outage


async def test_the_poller_ends_with_its_last_waiter(opened: list[CountingGateway]) -> None:
    before = asyncio.all_tasks()
    async with attached("dirac_default") as poller:
        await poller.look(1, first=True)
        assert asyncio.all_tasks() - before
    async with asyncio.timeout(10):
        while asyncio.all_tasks() - before:
            await asyncio.sleep(0.001)
    calls = opened[0].calls["snapshot"]
    await asyncio.sleep(0.05)
    assert opened[0].calls["snapshot"] == calls
    async with attached("dirac_default") as again:
        assert again is not poller


async def test_a_cancelled_waiter_is_not_looked_for_any_more(
    opened: list[CountingGateway],
) -> None:
    async with attached("dirac_default") as poller:
        await poller.look(1, first=True)
        leaving = asyncio.ensure_future(poller.look(2))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await poller.look(1)
        assert all(2 not in asked for asked in opened[0].asked)


@pytest.mark.parametrize(
    "error", [GatewayUnavailable("down"), GatewayDenied("proxy expired"), KeyError("ours")]
)
async def test_whatever_goes_wrong_is_reported_and_waited_out(
    opened: list[CountingGateway], error: Exception
) -> None:
    async with attached("dirac_default") as poller:
        assert (await poller.look(1, first=True)).snapshot
        opened[0].error = error
        looks = [await poller.look(1) for _ in range(2)]
        assert all(look.snapshot is None and look.outage for look in looks)
        opened[0].error = None
        assert (await poller.look(1)).snapshot


async def test_an_outage_is_looked_at_less_and_less_often(
    opened: list[CountingGateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    real = asyncio.timeout

    def timeout(delay: float | None) -> Any:
        pauses.append(delay or 0)
        return real(delay)

    async with attached("dirac_default") as poller:
        await poller.look(1, first=True)
        opened[0].error = GatewayUnavailable("down")
        monkeypatch.setattr(poller_module.asyncio, "timeout", timeout)
        for _ in range(5):
            await poller.look(1)
    growing = [round(pause, 2) for pause in pauses[-4:]]
    assert growing == sorted(growing)
    assert growing[-1] >= 4 * growing[0]


async def test_a_hung_gateway_counts_as_an_outage_and_does_not_stop_the_loop(
    opened: list[CountingGateway], connect: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller_module, "longest_call", lambda settings: 0.05)
    async with attached("dirac_default") as poller:
        await poller.look(1, first=True)
        opened[0].hangs = threading.Event()
        look = await poller.look(1)
        assert "no answer" in look.outage
        opened[0].hangs.set()
        opened[0].hangs = None
        assert (await poller.look(1)).snapshot


async def test_a_mended_connection_is_taken_up_without_a_restart(
    opened: list[CountingGateway], connect: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller_module, "UNREAD_PAUSE", 0.01)
    connect(poll_interval=0.01, timeout=1, oops="typo")
    async with attached("dirac_default") as poller:
        assert "oops" in (await poller.look(1, first=True)).outage
        connect(poll_interval=0.01, timeout=1, group="new")
        assert (await poller.look(1)).snapshot
        assert opened[-1].settings.group == "new"


async def test_a_missing_connection_is_an_outage_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with attached("nowhere") as poller:
        assert "nowhere" in (await poller.look(1, first=True)).outage


async def test_a_question_is_put_once_for_all_who_ask_it(opened: list[CountingGateway]) -> None:
    async with attached("dirac_default") as poller:
        answers = await asyncio.gather(
            *(poller.ask("ping", lambda grid: grid.ping()) for _ in range(100))
        )
        assert {answer.version for answer in answers} == {"9"}
        assert opened[0].calls["ping"] == 1


async def test_two_connections_have_two_pollers(
    opened: list[CountingGateway], connect: Callable[..., str]
) -> None:
    connect("other", poll_interval=0.01, group="other")
    async with attached("dirac_default") as one, attached("other") as two:
        assert one is not two
        await asyncio.gather(one.look(1, first=True), two.look(2, first=True))
    assert sorted(gateway.asked[0] for gateway in opened) == [[1], [2]]


def test_each_event_loop_has_its_own_poller(opened: list[CountingGateway]) -> None:
    for number in (1, 2):
        ((look,),) = (asyncio.run(asyncio.wait_for(wait(number, 1), 30)),)
        assert look.snapshot.id == number
    assert [gateway.asked for gateway in opened] == [[[1]], [[2]]]
