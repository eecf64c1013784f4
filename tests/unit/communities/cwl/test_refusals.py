"""What no grid can do between two steps is refused: one finding, its step, its line, a way out."""

from __future__ import annotations

import pytest

from tests.unit.communities.cwl.cwl_files import TOOLS, only, planned, refused, workflow

MAKE = "make: {run: make.cwl, in: {}, out: [out, log, number]}\n"
MORE = MAKE.replace("make:", "more:")
PAIR = TOOLS["one.cwl"].replace("file: File", "file: {type: File, secondaryFiles: [.idx]}")
FOLDER = TOOLS["make.cwl"].replace("out: {type: File", "out: {type: Directory")
TAKES_FOLDER = TOOLS["one.cwl"].replace("file: File", "file: Directory")

#: name → steps, inputs, words of the reason, line
BETWEEN = {
    "two lists side by side": (
        MAKE.replace("{run", "{scatter: n, run").replace("{}", "{n: ns}")
        + MORE.replace("{run", "{scatter: n, run").replace("{}", "{n: ns}")
        + "two: {run: two.cwl, in: {signal: make/out, background: more/out}, out: [out]}\n",
        "{ns: {type: 'int[]', default: [1, 2]}}",
        "takes files side by side ('signal', 'background', of make and more)",
        9,
    ),
    "a number of a step": (
        MAKE + "more: {run: make.cwl, in: {n: make/number}, out: [out]}\n",
        "{}",
        "takes int of 'make': only files go on",
        8,
    ),
    "files that go in pairs": (
        MAKE + "one: {run: pair.cwl, in: {file: make/out}, out: [out]}\n",
        "{}",
        "wants secondaryFiles",
        8,
    ),
    "a directory": (
        (
            "make: {run: folder.cwl, in: {}, out: [out]}\n"
            "one: {run: takes_folder.cwl, in: {file: make/out}, out: [out]}\n"
        ),
        "{}",
        "takes Directory of 'make': only files go on",
        8,
    ),
    "a list where one file is wanted": (
        MAKE.replace("{run", "{scatter: n, run").replace("{}", "{n: ns}")
        + "one: {run: one.cwl, in: {file: make/out}, out: [out]}\n",
        "{ns: {type: 'int[]', default: [1, 2]}}",
        "takes one file, and gets a list of files",
        8,
    ),
    "a file where a list is wanted": (
        MAKE + "all: {run: many.cwl, in: {files: make/out}, out: [out]}\n",
        "{}",
        "takes a list of files, and gets one file",
        8,
    ),
    "an expression over files": (
        MAKE + "flag: {run: files.cwl, in: {file: make/out}, out: [n]}\n",
        "{}",
        "is an expression over files ('file')",
        8,
    ),
    "a condition on files": (
        MAKE + "one: {run: one.cwl, when: $(inputs.file.size), in: {file: make/out}, out: [out]}\n",
        "{}",
        "depends on files ('file')",
        8,
    ),
    "a list of lists": (
        MAKE.replace("{run", "{scatter: n, run").replace("{}", "{n: ns}")
        + "all: {run: many.cwl, in: {files: {source: [make/out, make/log]}}, out: [out]}\n",
        "{ns: {type: 'int[]', default: [1, 2]}}",
        "nests the files of each source",
        8,
    ),
    "files mixed with values": (
        MAKE + "all: {run: many.cwl, in: {files: {source: [make/out, f]}}, out: [out]}\n",
        "{f: {type: int, default: 1}}",
        "mixes files of steps with other values",
        8,
    ),
    "files that are paired with values": (
        MAKE + "one: {run: one.cwl, scatter: [file, cut], scatterMethod: dotproduct, "
        "in: {file: {source: make/out, linkMerge: merge_nested}, cut: cuts}, out: [out]}\n",
        "{cuts: {type: 'float[]', default: [0.5, 0.7]}}",
        "pairs each file with a value (cut)",
        8,
    ),
    "files times more values than steps": (
        MAKE + "one: {run: one.cwl, scatter: [file, cut], scatterMethod: flat_crossproduct, "
        "in: {file: {source: make/out, linkMerge: merge_nested}, cut: cuts}, out: [out]}\n",
        f"{{cuts: {{type: 'float[]', default: {[0.5] * 101}}}}}",
        "takes files, and has 101 values: a step for each of them",
        8,
    ),
    "a nested scatter": (
        (
            "make: {run: make.cwl, scatter: [n, name], scatterMethod: nested_crossproduct, "
            "in: {n: ns, name: names}, out: [out]}\n"
        ),
        "{ns: {type: 'int[]', default: [1]}, names: {type: 'string[]', default: [a]}}",
        "nests its outputs",
        7,
    ),
    "lists of two lengths": (
        (
            "make: {run: make.cwl, scatter: [n, name], scatterMethod: dotproduct, "
            "in: {n: ns, name: names}, out: [out]}\n"
        ),
        "{ns: {type: 'int[]', default: [1, 2]}, names: {type: 'string[]', default: [a]}}",
        "pairs lists of 2 and 1 values",
        7,
    ),
    "an operation": (
        "make: {run: {class: Operation, inputs: {}, outputs: {}}, in: {}, out: []}\n",
        "{}",
        "runs an Operation",
        7,
    ),
    "steps that wait for each other": (
        (
            "one: {run: one.cwl, in: {file: other/out}, out: [out]}\n"
            "other: {run: one.cwl, in: {file: one/out}, out: [out]}\n"
        ),
        "{}",
        "these steps wait for each other",
        7,
    ),
    "several where one is picked": (
        MAKE + MORE + "one: {run: one.cwl, in: {file: {source: [make/out, more/out], "
        "pickValue: the_only_non_null}}, out: [out]}\n",
        "{}",
        "picks one of its sources, and several of them run",
        9,
    ),
}
#: name → steps, inputs, words of the reason, line: what a production must be told
NEEDED = {
    "files": (
        "one: {run: one.cwl, in: {file: file}, out: [out]}\n",
        "{file: File}",
        "'file' takes files, and nothing says which",
        4,
    ),
    "files of this machine": (
        "one: {run: one.cwl, in: {file: file}, out: [out]}\n",
        "{file: {type: File, default: {class: File, location: a.h5}}}",
        "names files of this machine",
        4,
    ),
    "a list of values": (
        "make: {run: make.cwl, scatter: n, in: {n: ns}, out: [out]}\n",
        "{ns: 'int[]'}",
        "'ns' must be known when the production is drawn",
        4,
    ),
    "how many files an output is that is none": (
        (
            "make: {run: make.cwl, in: {}, out: [out], "
            "hints: {dirac:Transformation: {output_files: {out: 3}}}}\n"
        ),
        "{}",
        "output_files says how many files 'out' is",
        7,
    ),
    "no step that runs": (
        "make: {run: make.cwl, when: $(inputs.on), in: {on: on}, out: [out]}\n",
        "{on: {type: boolean, default: false}}",
        "no step of the workflow runs",
        1,
    ),
}
OTHERS = {
    **TOOLS,
    "pair.cwl": PAIR,
    "folder.cwl": FOLDER,
    "takes_folder.cwl": TAKES_FOLDER,
    "files.cwl": TOOLS["flag.cwl"].replace("n: int}", "file: File}", 1),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_what_no_grid_can_do_between_steps_is_refused_once(name: str) -> None:
    steps, inputs, words, line = BETWEEN[name]
    error = only(refused(workflow(steps, inputs), OTHERS))
    assert words in error.reason
    assert (error.code, error.file, error.line) == ("cwl-between-steps", "wf.cwl", line)


@pytest.mark.parametrize("name", NEEDED)
def test_what_a_production_must_be_told_is_named(name: str) -> None:
    steps, inputs, words, line = NEEDED[name]
    error = only(refused(workflow(steps, inputs), OTHERS))
    assert words in error.reason
    assert (error.code, error.line) == ("cwl-production", line)


def test_what_two_steps_ask_for_alike_is_one_finding_with_both_lines() -> None:
    operation = BETWEEN["an operation"][0]
    error = only(refused(workflow(operation + operation.replace("make:", "more:")), OTHERS))
    assert error.line == 7
    assert "step 'make' runs an Operation" in error.reason
    assert "likewise step 'more' runs an Operation" in error.reason
    assert error.reason.endswith("(line 8)")


def test_what_two_steps_ask_for_that_differs_is_two_findings() -> None:
    operation = BETWEEN["an operation"][0]
    unfed = "one: {run: one.cwl, in: {}, out: [out]}\n"
    errors = refused(workflow(operation + unfed), OTHERS)
    assert [error.line for error in errors] == [7, 8]
    assert "step 'one' gives nothing to its input 'file'" in errors[1].reason


def test_the_way_out_works_the_steps_become_one_job() -> None:
    inner = workflow(
        BETWEEN["files that go in pairs"][0], head="cwlVersion: v1.2\nclass: Workflow\n"
    )
    text = workflow("both: {run: inner.cwl, in: {}, out: []}\n")
    assert [s.name for s in planned(text, {**OTHERS, "inner.cwl": inner}).steps] == ["both"]


def test_without_a_vo_the_way_out_is_a_hint_or_five_lines() -> None:
    error = only(refused(workflow(MAKE, head="cwlVersion: v1.2\nclass: Workflow\n")))
    assert "whose files" in error.reason
    assert "dirac:Production" in error.hint


def test_a_tool_is_no_production() -> None:
    error = only(refused(TOOLS["make.cwl"]))
    assert error.reason == "this is a CommandLineTool, and a production is a Workflow"
