"""``status --watch`` looks until all is over; time is that of the in-memory grid."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from dirac_prodsys.cli import watching
from dirac_prodsys.cli.status import look, with_progress
from dirac_prodsys.cli.watching import Look
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.reports.meant import Filters
from dirac_prodsys.core.reports.status_progress import Past
from dirac_prodsys.errors import GatewayUnavailable, NotFound
from dirac_prodsys.gateway import memory
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid


@pytest.fixture
def gateway(good: Path, tmp_path: Path) -> Iterator[MemoryGateway]:
    """Run r1 of the good production at work, and run r0 that is over."""
    grid = memory.register(f"watch-{tmp_path.name}", MemoryGrid())
    gateway = MemoryGateway(grid)
    production = load_production(good.read_text(), str(good))
    for run in ("r0", "r1"):
        for step in compile_plan(production, run=run).steps:
            record = gateway.create_transformation(step.transformation)
            gateway.prepare_directories([d.of(record.id) for d in step.transformation.directories])
            if step.transformation.tasks:
                gateway.ensure_tasks(record.id, step.transformation.tasks)
            if run == "r1":
                gateway.start_transformation(record.id)
            else:
                gateway.complete_transformation(record.id)
    yield gateway
    memory.forget(f"watch-{tmp_path.name}")


def looks(gateway: MemoryGateway) -> Callable[[frozenset[tuple[str, str]]], Look]:
    return lambda runs: look(gateway, ["good"], None, Filters(), runs)


class Night:
    """What happens between two looks: a transformation is Completed, one after the other."""

    def __init__(self, gateway: MemoryGateway) -> None:
        self.gateway = gateway
        self.todo = [4, 5, 6]
        self.slept = 0

    def __call__(self) -> None:
        self.slept += 1
        self.gateway.grid.advance(300)
        self.gateway.complete_transformation(self.todo.pop(0))


def test_it_looks_until_all_is_over_and_goes_on_with_the_runs_that_it_began_with(
    gateway: MemoryGateway,
) -> None:
    seen: list[Look] = []
    night = Night(gateway)
    watching.follow(looks(gateway), lambda one, _: seen.append(one), night)
    assert night.slept == 3
    done = [[str(row.snapshot.status) for row in one.rows].count("Completed") for one in seen]
    assert done == [0, 1, 2, 3]
    assert {row.run for one in seen for row in one.rows} == {"r1"}


def test_an_outage_is_shown_and_does_not_end_the_watch(gateway: MemoryGateway) -> None:
    troubles: list[str] = []
    night = Night(gateway)

    def sleep() -> None:
        gateway.grid.down = not gateway.grid.down and night.slept == 0
        if not gateway.grid.down:
            night()

    watching.follow(looks(gateway), lambda _, trouble: troubles.append(trouble), sleep)
    assert [bool(one) for one in troubles] == [False, True, False, False, False]
    assert "the grid does not answer" in troubles[1]


def test_an_outage_at_the_first_look_ends_the_watch(gateway: MemoryGateway) -> None:
    gateway.grid.down = True
    with pytest.raises(GatewayUnavailable):
        watching.follow(looks(gateway), lambda *_: None, lambda: None)


def test_any_other_error_ends_the_watch(gateway: MemoryGateway) -> None:
    with pytest.raises(NotFound):
        watching.follow(
            lambda runs: look(gateway, ["none"], None, Filters(), runs),
            lambda *_: None,
            lambda: None,
        )


def test_a_bar_shows_how_far_each_step_is(gateway: MemoryGateway) -> None:
    gateway.grid.advance(300)
    out = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    seen = looks(gateway)(frozenset())
    out.print(watching.picture(seen, "the grid does not answer: down", 120))
    lines = out.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0].strip() == "production good, run r1"
    assert lines[1].split()[-1] == "Progress"
    assert [line.split()[-1] for line in lines[2:5]] == ["3/3", "2/3", "0/1"]
    assert "━━━" in lines[2]
    assert lines[-1] == "the grid does not answer: down"


def test_of_more_rows_than_there_is_room_those_at_work_are_drawn(gateway: MemoryGateway) -> None:
    gateway.complete_transformation(4)
    out = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    out.print(watching.picture(looks(gateway)(frozenset()), "", 120, most=1))
    lines = out.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[2].split()[0] == "merge"
    assert lines[-1] == "2 more rows: without --watch, all are shown"


def test_output_to_a_pipe_is_printed_once_for_each_change(
    prodsys, gateway: MemoryGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(gateway)
    looked: list[None] = []

    def sleep(_seconds: float) -> None:
        looked.append(None)
        if len(looked) % 2:  # at every second look, nothing has changed
            night()

    monkeypatch.setattr(watching.time, "sleep", sleep)
    options = ["--backend", "memory", "--config", f"watch-{tmp_path.name}"]
    shown = prodsys("status", "good", "--watch", *options)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("production good, run r1") == 4
    assert len(looked) == 5


def test_an_interrupt_is_how_one_stops_looking(
    prodsys, gateway: MemoryGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.time, "sleep", interrupt)
    options = ["--backend", "memory", "--config", f"watch-{tmp_path.name}"]
    shown = prodsys("status", "good", "--watch", *options)
    assert shown.exit_code == 0
    assert "production good, run r1" in shown.stdout
    assert prodsys("status", "good", "--watch", "--json", *options).exit_code == 2


def test_all_productions_have_a_bar_each(gateway: MemoryGateway) -> None:
    gateway.grid.advance(300)
    seen = looks(gateway)(frozenset())
    found = replace(with_progress(seen, Past(), 0.0), by_run=True)
    out = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    out.print(watching.picture(found, "", 120))
    lines = out.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0].split()[-1] == "Progress"
    assert lines[1].split()[:4] == ["good", "r1", "Active", "0/3"]
    assert "━━━" in lines[1]
    assert lines[1].split()[-1] == "56%"


def test_after_some_looks_it_says_when_each_is_done_without_any_ledger(
    gateway: MemoryGateway,
) -> None:
    past, seen = Past(), looks(gateway)(frozenset())
    assert not with_progress(seen, past, 0.0).forecasts
    for done in range(1, 7):
        rows = (replace(seen.rows[0], snapshot=_with_files(seen.rows[0].snapshot, done)),)
        found = with_progress(replace(seen, rows=rows), past, 3600.0 * done)
    out = Console(file=io.StringIO(), width=200)
    out.print(watching.picture(found, "", 200, bars=False))
    text = out.file.getvalue()  # type: ignore[attr-defined]
    assert "Per hour" in text
    assert "in 4 h (" in text


def _with_files(seen: Snapshot, done: int) -> Snapshot:
    return replace(seen, files={"Processed": done, "Unused": 10 - done}, tasks={})


def test_of_looks_that_found_the_same_two_are_kept(gateway: MemoryGateway) -> None:
    past, seen = Past(), looks(gateway)(frozenset())
    for number in range(50):
        past.look(seen.rows, float(number))
    assert [[one.at for one in points] for points in past.points.values()] == [[0.0, 49.0]] * 3
