"""The walks of every test run, those that broke once, and what the observer must notice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from tests.walk.by_agent import ENDS, WalkByAgent
from tests.walk.mirror import Mirror
from tests.walk.mutants import MUTANTS, Mutant, unbounded
from tests.walk.shrinking import read, story
from tests.walk.walking import Walk
from tests.walk.world import WalkedGrid

REPOSITORY = Path(__file__).parents[2]
#: walks in every test run; `make walk` has 20,000
WALKS = 200
#: walks on which every job with input fails for long
FAILING = range(6)
#: walks behind an agent that is killed at the boundaries of each verb
BY_AGENT = range(6)
#: walks within which a mutant must be noticed
NOTICED = 150

#: verbs by which a run that nobody touches changes the grid
WRITTEN_BY_A_RUN = {
    "change_files",
    "complete_transformation",
    "create_dataset",
    "create_transformation",
    "ensure_tasks",
    "flush_transformation",
    "prepare_directories",
    "put_back",
    "start_transformation",
    "write_note",
}

KEPT = [
    line
    for line in Path(__file__).with_name("kept.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.timeout(1800)
def test_the_walks_of_every_test_run_break_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.walk", "--count", str(WALKS), "--seed", "1"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'plugins'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    assert done.stdout == f"{WALKS:,} walks (seeds from 1), 0 broken\n"


@pytest.mark.parametrize("part", ["observer", "watching", "starting", "closing", "ending"])
def test_the_observer_reads_only_what_both_grids_have(part: str) -> None:
    code = Path(__file__).with_name(f"{part}.py").read_text("utf-8")
    names = set(re.findall(r"self\.grid\.(\w+)", code))
    mirror = Mirror(cast("Any", None), cast("Any", None), lambda: 0.0)
    for grid in (mirror, WalkedGrid(1)):
        assert {name for name in names if not hasattr(grid, name)} == set()


@pytest.mark.parametrize("line", KEPT, ids=[line.split("|")[2].strip() for line in KEPT])
def test_walks_that_broke_once_break_nothing_any_more(line: str) -> None:
    walk = Walk(*read(line))
    assert walk.run() == [], "\n".join(walk.log)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.what for mutant in MUTANTS])
def test_each_mutant_of_the_program_is_noticed(mutant: Mutant) -> None:
    seeds = dict.fromkeys((mutant.seed, *range(NOTICED)))
    with mutant.broken():
        walks = ({broken.invariant for broken in Walk(seed).run()} for seed in seeds)
        assert any(mutant.breaks & broken for broken in walks)


def by_agent(kills: Counter[tuple[str, str]]) -> set[str]:
    """What is broken on walks behind an agent on which nothing else happens; counts its deaths."""
    broken = set()
    for seed in BY_AGENT:
        walk = WalkByAgent(seed, [])
        broken |= {one.invariant for one in walk.run()}
        kills += walk.kills.done
    return broken


def test_an_agent_killed_before_and_after_each_verb_doubles_nothing_and_loses_nothing() -> None:
    kills: Counter[tuple[str, str]] = Counter()
    assert by_agent(kills) == set()
    for end in ENDS:
        assert {name for name, where in kills if where == end} >= WRITTEN_BY_A_RUN


def test_a_create_that_does_not_look_first_is_noticed_behind_an_agent() -> None:
    with MUTANTS[0].broken():
        assert by_agent(Counter()) & MUTANTS[0].breaks


def failing(seed: int) -> list[str]:
    """What is broken on a walk on which every job with input fails for three quarters of an hour,
    and the grid takes its files back itself."""
    walk = Walk(seed, [])
    walk.grid.stopped_agents.clear()
    walk.grid.failing, walk.grid.torn_jobs, fate = 0.0, False, walk.grid.fails
    walk.grid.fails = lambda task: (
        (bool(task.lfns) and walk.clock.elapsed < walk.wild) or fate(task)
    )
    return [f"{broken.invariant} {broken.what}" for broken in walk.run()]


def test_files_of_jobs_that_always_fail_are_tried_as_often_as_declared() -> None:
    assert [broken for seed in FAILING for broken in failing(seed)] == []


def test_a_grid_that_takes_files_back_as_often_as_it_likes_is_noticed() -> None:
    with unbounded():
        found = [broken for seed in FAILING for broken in failing(seed)]
    assert any(broken.startswith("I6") and "gets its task" in broken for broken in found)


def test_a_seed_gives_the_same_walk_in_another_process() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.walk", "--show", "56"],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "PYTHONPATH": f"{REPOSITORY / 'plugins'}:{REPOSITORY}",
            "PYTHONHASHSEED": "7",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == story(56) + "\n"
