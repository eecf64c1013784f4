"""The production as a whole, its runs, its counts, and its neighbours in the folder."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dirac_prodsys.core.plan.estimate import UNKNOWN, Span, estimate
from dirac_prodsys.core.problems import Problem
from dirac_prodsys.core.proof import clashes, in_words_of_the_file, prove, read
from tests.unit.core.proof.test_links import child, reasons, subject
from tests.unit.core.writing import output, step

RUN = "${{ run }}"


def leaving(name: str, *files: str, **metadata: Any) -> dict[str, Any]:
    return {**output(name, **metadata), "files": list(files)}


def chain(tasks: int = 14, **merge: Any) -> dict[str, dict[str, Any]]:
    """A simulation of one file each task, and a merge."""
    return {
        "a": {**step("MCSimulation", output=leaving("a", "a_@{JOB_ID}")), "tasks": tasks},
        "b": step("Merging", "a", **{"output": leaving("b", "b_@{JOB_ID}"), **merge}),
    }


def test_a_step_that_is_linked_to_none_of_the_others_is_reported() -> None:
    one = subject(**chain(), c=step("MCSimulation", output=output("c")))
    assert reasons(one, "unconnected") == ["step c is linked to no other step of this production"]


def test_a_step_that_another_one_waits_for_is_linked_to_it() -> None:
    waits = chain() | {"c": step("MCSimulation", output=output("c"))}
    waits["b"]["after"] = "c"
    assert reasons(subject(**waits), "unconnected") == reasons(subject(**waits), "bag") == []


def test_a_bag_of_chains_and_a_bag_of_single_steps_are_what_they_are() -> None:
    second = {"c": step("MCSimulation", output=output("c")), "d": step("Training", "c")}
    singles = {name: step("MCSimulation", output=output(name)) for name in "xyz"}
    for steps, parts in ((chain() | second, 2), (singles, 3)):
        assert reasons(subject(**steps), "unconnected") == []
        assert reasons(subject(**steps), "bag") == [
            f"the production is a bag of {parts} parts that are not linked"
        ]


def test_a_field_that_is_text_here_and_a_number_there_is_reported() -> None:
    one = subject(
        a=step("MCSimulation", output=output("a", level=1, step="a")),
        b=step("MCSimulation", output=output("b", level="1", step="b")),
    )
    assert reasons(one, "mixed-types") == ["level is text here ('1'), and a number in step a"]


def test_an_output_that_does_not_tell_its_run_is_reported_once_for_all_steps() -> None:
    (reason,) = reasons(subject(**chain()), "output-without-run")
    assert reason.startswith("no metadata of the output of steps a, b name the run")


def test_a_directory_or_a_dataset_without_the_run_that_its_metadata_name_is_reported() -> None:
    made = {**output("a", run=RUN), "directory": "/sim/p/a"}
    dataset = {"name": "/sim/datasets/a"}
    one = subject(a={**step("MCSimulation", output=made), "dataset": dataset})
    (directory,) = reasons(one, "directory-without-run")
    assert directory.startswith("the metadata of /sim/p/a name the run")
    (named,) = reasons(one, "dataset-without-run")
    assert "/sim/datasets/a" in named
    apart = {**made, "directory": f"/sim/p/{RUN}/a"}
    right = {**step("MCSimulation", output=apart), "dataset": {"name": f"/sim/datasets/a_{RUN}"}}
    codes = ("directory-without-run", "dataset-without-run", "output-without-run")
    assert reasons(subject(a=right), *codes) == []


def test_files_tasks_and_jobs_are_counted_as_the_standard_plugin_groups() -> None:
    found = estimate(subject(**chain(group_size=4)))
    assert (found["a"].tasks, found["a"].made) == (Span(14, 14), Span(14, 14))
    assert (found["b"].taken, found["b"].tasks, found["b"].made) == (
        Span(14, 14),
        Span(4, 4),
        Span(4, 4),
    )


def test_files_on_two_storage_elements_are_grouped_apart() -> None:
    other = {**leaving("c", "c_@{JOB_ID}"), "se": "DISK-B-SE"}
    one = subject(
        a={**step("MCSimulation", output=leaving("a", "a_@{JOB_ID}")), "tasks": 5},
        c={**step("MCSimulation", output=other), "tasks": 5},
        m=step("Merging", "a", "c", group_size=4),
    )
    assert estimate(one)["m"].tasks == Span(4, 4)


def test_a_part_of_the_files_is_a_span_and_what_is_not_given_is_open() -> None:
    one = subject(
        a={**step("MCSimulation", output=leaving("a", "a_@{JOB_ID}")), "tasks": 10},
        b=child("a", "b", {"number": {"<": 5}}, group_size=4),
        c=step("Merging", "b"),
    )
    found = estimate(one)
    assert found["b"].tasks == Span(0, 3)
    assert found["b"].made == UNKNOWN
    assert found["c"].tasks == UNKNOWN


def test_a_copy_hands_on_what_it_takes() -> None:
    operations = [{"type": "ReplicateAndRegister", "TargetSE": "TASK:TargetSE"}]
    copy = {
        "type": "Replication",
        "plugin_parameters": {"TargetSE": "DISK-B-SE"},
        "input": {"from": "a"},
        "job": {"type": "request", "operations": operations},
    }
    one = subject(**chain(group_size=2), c=copy, d=step("Training", "c"))
    assert one.links["c", "d"].share == "all"
    found = estimate(one)
    assert (found["c"].made, found["d"].tasks) == (Span(14, 14), Span(14, 14))
    assert reasons(one, "may-eat-output") == []


@pytest.mark.parametrize(
    ("merge", "codes"),
    [
        ({"group_size": 100}, ["group-short"]),
        ({"group_size": 100, "start": "on_complete"}, []),
        ({"group_size": 100, "policy": {"flush": "never"}}, ["group-never-fills"]),
        ({"group_size": 4, "policy": {"flush": "never"}}, ["files-left-over"]),
        ({"group_size": 7, "policy": {"flush": "never"}}, []),
        ({"group_size": 4}, []),
        ({"group_size": 100.0, "plugin": "BySize"}, []),
    ],
)
def test_groups_that_cannot_fill_are_reported(merge: dict[str, Any], codes: list[str]) -> None:
    one = subject(**chain(**merge))
    found = [p for p in prove(one) if p.code.startswith(("group-", "files-left"))]
    assert [p.code for p in found] == codes
    for problem in found:
        assert problem.path == ("steps", "b", "group_size")


@pytest.mark.parametrize(("expected", "findings"), [(4, 0), (5, 1), (3, 1)])
def test_a_dataset_that_expects_other_files_than_the_step_makes_is_reported(
    expected: int, findings: int
) -> None:
    dataset = {"name": "/sim/datasets/b", "expect_files": expected}
    assert len(reasons(subject(**chain(group_size=4, dataset=dataset)), "expect-files")) == findings


def text(name: str, **changes: Any) -> str:
    a = {**step("MCSimulation", output=output("a", run=RUN)), **changes}
    data = {"version": 1, "production": {"name": name, "vo": "sim"}, "steps": {"a": a}}
    return json.dumps(data, indent=1)


def clashing(*files: tuple[str, str]) -> list[tuple[str, str]]:
    """File and code of each finding between files."""
    claims = [read(source, file)[0].claims for file, source in files]
    return [(found.file, found.code) for found in clashes.clashes(claims)]


def test_names_that_two_files_claim_are_reported_at_the_second() -> None:
    assert clashing(("1.yaml", text("p")), ("2.yaml", text("p"))) == [("2.yaml", "duplicate-name")]
    assert clashing(("1.yaml", text("p")), ("2.yaml", text("P"))) == [("2.yaml", "case-only-name")]


def test_datasets_and_directories_that_two_files_claim_are_reported() -> None:
    fixed, tagged = ({"dataset": {"name": f"/sim/sets/{n}"}} for n in ("d", f"d_{RUN}"))
    codes = {
        code
        for _, code in clashing(
            ("1.yaml", text("p", **fixed)),
            ("2.yaml", text("q", **fixed)),
            ("3.yaml", text("r", **tagged)),
            ("4.yaml", text("s", **tagged)),
        )
    }
    assert codes == {"duplicate-dataset", "similar-dataset", "shared-directory"}


def test_run_numbers_that_two_files_use_are_reported_at_the_second() -> None:
    def numbered(campaign: str, first: int) -> dict[str, Any]:
        return {"run_numbers": {"campaign": campaign, "first": first, "per_task": 10}}

    files = (
        ("1.yaml", text("p", **numbered("PROD6", 100))),
        ("2.yaml", text("q", **numbered("PROD6", 130))),  # three tasks: up to 129
        ("3.yaml", text("r", **numbered("PROD5", 100))),
        ("4.yaml", text("s", **numbered("PROD6", 129))),
    )
    found = [each for each in clashing(*files) if each[1] == "run-numbers"]
    assert found == [("4.yaml", "run-numbers")] * 2


def test_a_finding_names_the_run_as_the_file_does() -> None:
    tagged = {"dataset": {"name": f"/sim/sets/d_{RUN}"}}
    files = (("1.yaml", text("p", **tagged)), ("2.yaml", text("q", **tagged)))
    (found,) = (
        found
        for found in clashes.clashes([read(source, file)[0].claims for file, source in files])
        if found.code == "similar-dataset"
    )
    assert found.message.startswith("dataset 'd_${{ run }}' is also made in 1.yaml:")
    one = subject(a=step("MCSimulation", output=output("a", run=RUN)))
    (reworded,) = in_words_of_the_file([Problem((), f"run {one.plan.run} …")], one.plan)
    assert reworded.reason == "run ${{ run }} …"
