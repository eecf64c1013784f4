"""A gate that only a step behind it could open is a mistake, in one file and between files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.core.proof import gates_between, read
from dirac_prodsys.core.proof.findings import Finding
from tests.unit.core.writing import step

RUN = "${{ run }}"


def made(name: str, *parents: str, of: str = "p", **more: Any) -> dict[str, Any]:
    """A step with an output directory and a dataset of its own."""
    one = step("Merging" if parents else "MCSimulation", *parents, **more)
    one["output"] = {
        "directory": f"/sim/{of}/{RUN}/{name}",
        "se": "DISK-A-SE",
        "metadata": {"production": of, "run": RUN, "step": name},
        "files": ["f_@{JOB_ID}"],
    }
    one["dataset"] = {"name": f"/sim/datasets/{of}_{name}_{RUN}"}
    return one


def text(of: str = "p", loops: dict[str, Any] | None = None, **steps: dict[str, Any]) -> str:
    """A production file."""
    data = {"version": 1, "production": {"name": of, "vo": "sim"}, "steps": steps}
    return json.dumps({**data, "loops": loops or {}}, indent=1)


def cycles(source: str) -> list[str]:
    """The reasons of the circles in one file."""
    report, _ = read(source, "p.yaml")
    return [finding.message for finding in report.findings if finding.code == "cycle"]


def between(*sources: str, all_files: bool = True) -> list[tuple[str, str, str]]:
    """File, code and message of what shows between files."""
    reports = [read(source, f"{number}.yaml")[0] for number, source in enumerate(sources)]
    assert not any(report.broken for report in reports)
    waits = [report.waits for report in reports if report.waits is not None]
    found: list[Finding] = list(gates_between.check(waits, all_files=all_files))
    assert all(finding.line > 1 and finding.hint for finding in found)
    return [(finding.file, finding.code, finding.message) for finding in found]


def file_of(name: str, of: str = "p") -> str:
    return f"/sim/{of}/{RUN}/{name}/f_00000001"


@pytest.mark.parametrize(
    "gate",
    [
        {"file": file_of("c")},
        {"value": {"file": file_of("c"), "when": "auc > 0.9"}},
        {"dataset": f"/sim/datasets/p_c_{RUN}"},
        {"file": f"/sim/p/{RUN}/c/deeper/report.json"},
    ],
)
def test_a_step_cannot_wait_for_what_a_step_after_it_makes(gate: dict[str, Any]) -> None:
    copy = {
        "type": "Replication",
        "plugin_parameters": {"TargetSE": "DISK-B-SE"},
        "input": {"from": "a"},
    }
    steps = {"a": made("a", wait_for=[gate]), "b": copy, "c": made("c", "b")}
    (circle,) = cycles(text(**steps))
    assert circle.endswith("is made by step c, which waits for step a")


def test_a_step_cannot_wait_for_its_own_file_and_may_for_those_of_steps_before_it() -> None:
    own = made("a", wait_for=[{"file": file_of("a")}])
    assert [circle.rsplit(" is ")[1] for circle in cycles(text(a=own))] == [
        "made by this step itself"
    ]
    after = made("b", "a", wait_for=[{"file": file_of("a")}, {"file": "/sim/elsewhere/model"}])
    waiting = made("c", wait_for=[{"file": file_of("b")}])
    assert cycles(text(a=made("a"), b=after, c=waiting)) == []


def test_two_steps_that_wait_for_files_of_each_other_are_both_reported() -> None:
    steps = {
        "a": made("a", wait_for=[{"file": file_of("b")}]),
        "b": made("b", wait_for=[{"value": {"file": file_of("a"), "when": "n > 1"}}]),
    }
    assert len(cycles(text(**steps))) == 2


def test_an_approval_is_no_wait_for_a_step() -> None:
    steps = {
        "a": made("a", approval={"subject": "Begin?"}),
        "b": made("b", "a", approval={"subject": "Go on?"}),
    }
    assert cycles(text(**steps)) == []


def loop(until: str, first: str, beyond: str = "/sim/x") -> str:
    """A loop of one step that waits for a file, and a step that takes the last pass."""
    train = made("train", "a", wait_for=[{"file": first}])
    train["output"]["directory"] += "/${{ pass }}"
    train["output"]["metadata"]["step"] = "train-${{ pass }}"
    del train["dataset"]
    loops = {"tune": {"steps": ["train"], "until": {"file": until, "when": "n > 1"}, "at_most": 3}}
    after = made("z", "train", wait_for=[{"file": beyond}])
    return text(loops=loops, a=made("a"), train=train, z=after)


def test_a_pass_of_a_loop_cannot_wait_for_the_next_one_nor_for_who_comes_after_the_loop() -> None:
    quality = f"/sim/p/{RUN}/train/${{{{ pass }}}}/quality.json"
    assert cycles(loop(quality, "/sim/model", f"/sim/p/{RUN}/train/1/quality.json")) == []
    later = cycles(loop(quality, f"/sim/p/{RUN}/train/2/model"))
    assert later
    assert all("train.2" in reason or "itself" in reason for reason in later)
    assert "step z, which waits for step train.1" in cycles(loop(quality, file_of("z")))[0]
    behind = f"/sim/p/{RUN}/z/${{{{ pass }}}}.json"
    assert "step z, which waits for this loop" in cycles(loop(behind, "/sim/model"))[0]


def test_productions_that_wait_for_each_other_are_reported_at_each_place() -> None:
    one = text("one", s=made("s", of="one", wait_for=[{"production": "two", "step": "t"}]))
    two = text("two", t=made("t", of="two", wait_for=[{"production": "one", "step": "s"}]))
    found = between(one, two)
    assert [(file, code) for file, code, _ in found] == [("0.yaml", "cycle"), ("1.yaml", "cycle")]
    assert found[0][2].endswith("is made by two/t, which waits for this step")


def test_circles_lead_through_datasets_files_and_steps_of_any_number_of_productions() -> None:
    one = text(
        "one",
        s=made("s", of="one", wait_for=[{"file": file_of("u", "three")}]),
        t=made("t", "s", of="one"),
    )
    two = text("two", s=made("s", of="two", wait_for=[{"production": "one", "step": "t"}]))
    gate = {"dataset": f"/sim/datasets/two_s_{RUN}"}
    three = text(
        "three",
        s=made("s", of="three", wait_for=[gate]),
        u=made("u", of="three", after=["s"]),
    )
    found = between(one, two, three)
    assert [(file, code) for file, code, _ in found] == [(f"{n}.yaml", "cycle") for n in range(3)]
    chain = "three/u, which waits for three/s, which waits for two/s, which waits for one/t"
    assert f"is made by {chain}, which waits for this step" in found[0][2]
    assert between(one, two) == []


def test_a_wait_for_a_step_that_is_not_there_or_makes_no_dataset_is_a_mistake() -> None:
    plain = made("plain", of="other")
    del plain["dataset"]
    other = text("other", plain=plain, merge=made("merge", of="other"))
    gates = [{"production": "other", "step": name} for name in ("merge", "plain", "mrege")]
    waiting = text("one", s=made("s", of="one", wait_for=gates))
    found = [(code, message) for _, code, message in between(waiting, other)]
    assert found == [
        ("gate-without-dataset", "step plain of production other makes no dataset to wait for"),
        ("unknown-step", "production other has no step 'mrege'"),
    ]


def test_a_production_that_is_in_no_file_is_a_warning_where_all_files_are_looked_at() -> None:
    gates = [{"production": "othr", "step": "merge"}]
    waiting = text("one", s=made("s", of="one", wait_for=gates))
    other = text("other", merge=made("merge", of="other"))
    found = between(waiting, other)
    assert [code for _, code, _ in found] == ["unknown-production"]
    assert between(waiting, all_files=False) == []


def test_of_a_file_that_is_broken_nothing_is_reported_about_its_steps() -> None:
    broken = text("other", s={"type": "Unknown"})
    waiting = text("one", s=made("s", of="one", wait_for=[{"production": "other", "step": "s"}]))
    reports = [read(source, f"{n}.yaml")[0] for n, source in enumerate((broken, waiting))]
    known = [report.waits for report in reports if report.waits is not None]
    assert list(gates_between.check(known, all_files=True)) == []


def test_a_ring_of_many_files_is_one_circle_and_each_of_them_is_reported() -> None:
    count = 60
    ring = [
        text(f"p{n}", s=made("s", of=f"p{n}", wait_for=[{"production": f"p{after}", "step": "s"}]))
        for n, after in ((n, (n + 1) % count) for n in range(count))
    ]
    found = between(*ring)
    assert [(file, code) for file, code, _ in found] == [
        (f"{n}.yaml", "cycle") for n in range(count)
    ]
    assert "54 steps later" in found[0][2] or "53 steps later" in found[0][2]
