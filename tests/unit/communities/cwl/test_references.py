# ruff: noqa: E501  a document on each line
"""What a workflow names is read in its folder, and ends: no addresses, no loops, not too much."""

from __future__ import annotations

import pytest

from dirac_prodsys.communities.cwl.document.references import MOST_DEPTH
from tests.unit.communities.cwl.cwl_files import TOOLS, only, planned, refused, workflow

STEP = "a: {run: TARGET, in: {}, out: []}\n"
CALLS = "cwlVersion: v1.2\nclass: Workflow\ninputs: {}\noutputs: {}\nsteps: {a: {run: TARGET, in: {}, out: []}}\n"


@pytest.mark.parametrize(
    "target",
    [
        "../secret.cwl",
        "tools/../../secret.cwl",
        "/etc/passwd",
        "file:///etc/passwd",
        "https://example.org/a.cwl",
        "..",
        ".hidden.cwl",
        "a\\tb.cwl",
        "~/a.cwl",
    ],
)
def test_nothing_outside_of_the_folder_is_read(target: str) -> None:
    asked: list[str] = []

    class Folder(dict[str, str]):
        def get(self, name: str, default: object = None) -> None:  # type: ignore[override]
            asked.append(name)

    for text in (STEP.replace("TARGET", f'"{target}"'), f'a: {{$import: "{target}"}}\n'):
        error = only(refused(workflow(text), Folder()))
        assert "is no file in the folder of this production" in error.reason
        assert error.line == 7
    assert asked == []


@pytest.mark.parametrize(
    "files",
    [
        {"a.cwl": CALLS.replace("TARGET", "a.cwl")},
        {"a.cwl": CALLS.replace("TARGET", "b.cwl"), "b.cwl": CALLS.replace("TARGET", "a.cwl")},
        {
            "a.cwl": CALLS.replace("TARGET", "wf.cwl"),
            "wf.cwl": workflow(STEP.replace("TARGET", "a.cwl")),
        },
        {"a.cwl": "$import: a.cwl\n"},
        {"a.cwl": CALLS.replace("TARGET", '"#main"').replace("steps", "id: main\nsteps")},
    ],
)
def test_a_loop_is_refused(files: dict[str, str]) -> None:
    error = only(refused(workflow(STEP.replace("TARGET", "a.cwl")), files))
    assert error.reason


def test_processes_inside_each_other_have_an_end() -> None:
    files = {f"p{n}.cwl": CALLS.replace("TARGET", f"p{n + 1}.cwl") for n in range(MOST_DEPTH + 5)}
    error = only(refused(workflow(STEP.replace("TARGET", "p0.cwl")), files))
    assert f"more than {MOST_DEPTH} processes" in error.reason


def test_what_doubles_at_each_level_is_refused_soon() -> None:
    two = "steps: {a: {run: TARGET, in: {}, out: []}, b: {run: TARGET, in: {}, out: []}}"
    twice = CALLS.replace("steps: {a: {run: TARGET, in: {}, out: []}}", two)
    files = {f"p{n}.cwl": twice.replace("TARGET", f"p{n + 1}.cwl") for n in range(MOST_DEPTH)}
    files[f"p{MOST_DEPTH}.cwl"] = TOOLS["make.cwl"]
    error = only(refused(workflow(STEP.replace("TARGET", "p0.cwl")), files))
    assert "characters" in error.reason or "more than" in error.reason


def test_a_mistake_in_another_file_has_its_place_there() -> None:
    files = {"tools/a.cwl": TOOLS["make.cwl"].replace("baseCommand", "baseComand")}
    error = only(refused(workflow(STEP.replace("TARGET", "tools/a.cwl")), files))
    assert (error.file, error.line, error.column) == ("tools/a.cwl", 3, 1)
    assert "baseCommand" in error.hint


def test_files_in_folders_below_name_each_other_from_where_they_are() -> None:
    files = {
        "tools/a.cwl": CALLS.replace("TARGET", "../more/b.cwl"),
        "more/b.cwl": TOOLS["make.cwl"].replace("inputs:", 'doc: {$include: "b.txt"}\ninputs:', 1),
        "more/b.txt": "words",
    }
    plan = planned(workflow(STEP.replace("TARGET", "tools/a.cwl")), files)
    assert [step.name for step in plan.steps] == ["a"]


def test_one_process_of_a_graph_is_named_after_a_hash() -> None:
    graph = "cwlVersion: v1.2\n$graph:\n- {id: x, class: Workflow, inputs: {}, outputs: {}, steps: {a: {run: '#t', in: {}, out: []}}}\n- {id: t, class: CommandLineTool, baseCommand: b, inputs: {}, outputs: {}}\n"
    assert planned(workflow(STEP.replace("TARGET", "'g.cwl#x'")), {"g.cwl": graph}).steps
    error = only(refused(workflow(STEP.replace("TARGET", "g.cwl")), {"g.cwl": graph}))
    assert "$graph has no process #main" in error.reason


@pytest.mark.parametrize("inner", ["v1.0", "v1.1", "v1.2"])
@pytest.mark.parametrize("outer", ["v1.0", "v1.1", "v1.2"])
def test_versions_may_be_mixed(outer: str, inner: str) -> None:
    text = workflow(STEP.replace("TARGET", "make.cwl")).replace("v1.2", outer, 1)
    tools = {"make.cwl": TOOLS["make.cwl"].replace("v1.2", inner)}
    assert planned(text, tools, ask=outer == inner).steps


def test_a_version_that_is_not_read_is_refused() -> None:
    text = workflow(STEP.replace("TARGET", "make.cwl")).replace("v1.2", "v1.3.0-dev1", 1)
    assert "is not read here" in only(refused(text)).reason


@pytest.mark.parametrize(
    "content", ["", "\n", "# nothing\n", "---\n", "null\n", "7\n", "[]\n", "a\n"]
)
@pytest.mark.parametrize("way", ["run: TARGET, in: {}, out: []", "$import: a.cwl"])
def test_a_file_that_is_no_process_is_refused(content: str, way: str) -> None:
    text = workflow(f"a: {{{way.replace('TARGET', 'a.cwl')}}}\n")
    for error in refused(text, {"a.cwl": content}):
        assert error.reason
        assert error.line
