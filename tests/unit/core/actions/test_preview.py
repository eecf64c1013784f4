"""People's actions, shown before anything is done and reported afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.core.actions.outcome import ActionOutcome, Result, outcome_of
from dirac_prodsys.core.actions.preview import Preview, human_bytes, preview
from dirac_prodsys.core.actions.selection import Selection
from dirac_prodsys.core.grid.inventory import FileShare
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from tests.unit.core.actions.action_words import listed, request


def a_preview(action: str = "stop", **changes: Any) -> Preview:
    chosen = (listed(1, "p__r1__a"), listed(2, "p__r1__b", status="New"))
    seen = {
        1: Snapshot(1, "p__r1__a", "Merging", TransformationStatus.ACTIVE, {"Unused": 4}, {}),
        2: Snapshot(2, "p__r1__b", "Merging", TransformationStatus.NEW),
        **changes,
    }
    shares = {1: FileShare(4, 1_500_000), 2: FileShare(0, 0)}
    return preview(request(action), Selection(chosen, ("9 x: not ours",)), seen, shares)


class TestPreviews:
    def test_it_tells_what_is_touched_with_files_and_bytes(self) -> None:
        text = a_preview().to_text()
        lines = text.splitlines()
        assert lines[0] == (
            "stop, production p, all runs, all steps: touches 1 transformations (4 files, 1.5 MB), "
            "leaves 1, refuses 0"
        )
        assert lines[2].split()[:6] == ["1", "p__r1__a", "Active", "0", "4", "1.5"]
        assert lines[3].split()[7:11] == ["leave", "it", "has", "not"]
        assert lines[4] == "not ours, left out: 9 x: not ours"
        assert lines[5].startswith("digest ")

    def test_it_survives_json(self) -> None:
        made = a_preview()
        plain = made.to_dict()
        # lists and not tuples: Airflow packs those into an XCom that others cannot read
        assert json.loads(json.dumps(plain)) == plain
        assert Preview.from_dict(plain) == made

    def test_its_digest_is_of_what_is_done_to_what(self) -> None:
        moved = Snapshot(1, "p__r1__a", "Merging", TransformationStatus.ACTIVE, {"Unused": 9}, {})
        ended = Snapshot(1, "p__r1__a", "Merging", TransformationStatus.COMPLETED)
        assert a_preview().digest == a_preview(**{"1": None}).digest
        assert preview_of(moved).digest == a_preview().digest
        assert preview_of(ended).digest != a_preview().digest
        assert a_preview("resume").digest != a_preview().digest

    def test_outputs_that_cleaning_does_not_find_are_reported(self) -> None:
        one = listed(1, "p__r1__a")
        seen = {1: Snapshot(1, one.name, "Merging", TransformationStatus.ACTIVE)}
        shares = {1: FileShare(2, 20, staying=7)}
        (row,) = preview(request("clean"), Selection((one,)), seen, shares).rows
        assert row.why == "→ Cleaning; 7 output files carry no ID of it, and stay"

    def test_what_vanished_while_it_was_looked_at_is_not_in_it(self) -> None:
        chosen = (listed(1, "p__r1__a"),)
        assert preview(request("stop"), Selection(chosen), {}, {}).rows == ()

    @pytest.mark.parametrize(
        ("number", "text"),
        [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2 * 10**12, "2.0 TB"), (10**16, "10.0 PB")],
    )
    def test_bytes_in_words(self, number: int, text: str) -> None:
        assert human_bytes(number) == text


def preview_of(snapshot: Snapshot) -> Preview:
    chosen = (listed(1, "p__r1__a"), listed(2, "p__r1__b", status="New"))
    seen = {
        1: snapshot,
        2: Snapshot(2, "p__r1__b", "Merging", TransformationStatus.NEW),
    }
    return preview(request("stop"), Selection(chosen), seen, {})


class TestOutcomes:
    def test_nothing_is_passed_over(self) -> None:
        done = [Result(1, "p__r1__a", "Active", "done", "stopped")]
        outcome = outcome_of(a_preview(), done, by="eve", reason="why not", run="r")
        assert [(r.id, r.word) for r in outcome.results] == [(1, "done"), (2, "left")]
        assert outcome.good
        assert outcome.summary().endswith("by eve (why not): 1 done, 1 left, 0 refused, 0 failed")
        plain = outcome.to_dict()
        assert json.loads(json.dumps(plain)) == plain
        assert ActionOutcome.from_dict(plain) == outcome

    def test_one_failure_is_not_good(self) -> None:
        done = [Result(1, "p__r1__a", "Active", "failed", "no")]
        assert not outcome_of(a_preview(), done, by="", reason="", run="r").good
