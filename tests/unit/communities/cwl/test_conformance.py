# ruff: noqa: E501  a document on each line
"""Documents of CWL v1.2, one feature each: read, or refused as the specification says.

``GOOD`` and ``BAD`` say what is put into a tool or a workflow that is otherwise correct. Those of
``BAD`` with an empty reason are refused by cwl-utils, which a child is asked about.
"""

from __future__ import annotations

import pytest

from dirac_prodsys.communities.cwl.document import validity
from tests.unit.communities.cwl.cwl_files import TOOLS, only, planned, refused

TOOL = """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [echo]
inputs: {}
outputs: {}
"""
WORKFLOW = """\
cwlVersion: v1.2
class: Workflow
inputs: {n: {type: int, default: 1}}
outputs: {}
steps:
  a: {run: make.cwl, in: {n: n}, out: [out]}
"""
JOB = """\
version: 1
production: {name: p, vo: sim}
steps:
  s: {type: MCSimulation, tasks: 1, job: {type: cwl, file: doc.cwl}}
"""

#: what is put in place of a line
GOOD_TOOLS = {
    "nothing more": "",
    "a shebang": "#!/usr/bin/env cwl-runner\n",
    "one word of a command": "baseCommand: echo\n",
    "no command, and arguments": "arguments: [echo, $(inputs)]\n",
    "bindings of arguments": "arguments: [{prefix: -a, valueFrom: b, position: 2, shellQuote: false}]\n",
    "inputs in a list": "inputs: [{id: a, type: int, default: 1}]\n",
    "inputs in short": "inputs: {a: int?, b: 'string[]?', c: 'File[]?', d: Directory?}\n",
    "a nullable union": "inputs: {a: ['null', int, string]}\n",
    "an array in full": "inputs: {a: {type: {type: array, items: int}, default: []}}\n",
    "an array of arrays": "inputs: {a: {type: 'int[][]', default: [[1]]}}\n",
    "an enum": "inputs: {a: {type: {type: enum, symbols: [x, y]}, default: x}}\n",
    "a record": "inputs: {a: {type: {type: record, fields: {x: int}}, default: {x: 1}}}\n",
    "any type": "inputs: {a: {type: Any, default: 1}}\n",
    "long and double": "inputs: {a: {type: long, default: 1}, b: {type: double, default: 1.5}}\n",
    "a boolean": "inputs: {a: {type: boolean, default: true, inputBinding: {prefix: -v}}}\n",
    "input bindings": "inputs: {a: {type: int, default: 1, inputBinding: {position: 1, prefix: -n, separate: false}}}\n",
    "secondary files": "inputs: {a: {type: File?, secondaryFiles: [{pattern: .idx, required: false}]}}\n",
    "formats": "inputs: {a: {type: File?, format: 'http://example.org/f'}}\n",
    "contents of a file": "inputs: {a: {type: File?, loadContents: true}}\n",
    "a glob": "outputs: {a: {type: File, outputBinding: {glob: '*.txt'}}}\n",
    "globs": "outputs: {a: {type: 'File[]', outputBinding: {glob: ['*.a', '*.b']}}}\n",
    "standard output": "outputs: {a: stdout}\nstdout: a.txt\n",
    "standard error": "outputs: {a: {type: stderr}}\nstderr: e.txt\n",
    "standard input": "inputs: {a: {type: File?}}\nstdin: $(inputs.a.path)\n",
    "exit codes": "successCodes: [0, 3]\ntemporaryFailCodes: [75]\npermanentFailCodes: [1]\n",
    "hints in a list": "hints: [{class: ResourceRequirement, coresMin: 1}]\n",
    "a hint that nobody knows": "hints: {ex:Whatever: {a: 1}}\n$namespaces: {ex: 'http://example.org/'}\n",
    "resources": "requirements: {ResourceRequirement: {coresMin: 1, ramMin: 100, tmpdirMin: 1}}\n",
    "containers": "hints: {DockerRequirement: {dockerPull: 'debian:12'}}\n",
    "software": "hints: {SoftwareRequirement: {packages: {a: {version: ['1']}}}}\n",
    "environment": "requirements: {EnvVarRequirement: {envDef: {A: b}}}\n",
    "a shell": "requirements: {ShellCommandRequirement: {}}\n",
    "a working directory": "requirements: {InitialWorkDirRequirement: {listing: [{entryname: a, entry: b}]}}\n",
    "javascript": "requirements: {InlineJavascriptRequirement: {expressionLib: ['var a = 1;']}}\n",
    "a time limit": "requirements: {ToolTimeLimit: {timelimit: 60}}\n",
    "network": "requirements: {NetworkAccess: {networkAccess: true}}\n",
    "no reuse": "requirements: {WorkReuse: {enableReuse: false}}\n",
    "updates in place": "requirements: {InplaceUpdateRequirement: {inplaceUpdate: true}}\n",
    "listings": "requirements: {LoadListingRequirement: {loadListing: no_listing}}\n",
    "types by name": "requirements: {SchemaDefRequirement: {types: [{name: t, type: enum, symbols: [x]}]}}\ninputs: {a: ['null', t]}\n",
    "words for people": "label: a\ndoc: [b, c]\nintent: ['http://example.org/i']\n",
    "an expression tool": "class: ExpressionTool\nbaseCommand:\nexpression: $(inputs)\n",
    "version 1.0": "cwlVersion: v1.0\n",
    "version 1.1": "cwlVersion: v1.1\n",
}
BAD_TOOLS = {
    "no inputs": ("inputs:", "there is no inputs"),
    "no outputs": ("outputs:", "there is no outputs"),
    "no class": ("class:", "has no class"),
    "no version": ("cwlVersion:", "there is no cwlVersion"),
    "another class": ("class: Tool", "there is no class 'Tool'"),
    "another version": ("cwlVersion: draft-3", "is not read here"),
    "a misspelt field": ("baseComand: a", "unknown field 'baseComand'"),
    "inputs that are no mapping": ("inputs: 3", "inputs is a mapping or a list"),
    "an input of no type": ("inputs: {a: {doc: x}}", "has no type"),
    "an input of a strange type": ("inputs: {a: Fil}", "no type is 'Fil'"),
    "an input without a name": ("inputs: [{type: int}]", "has no id"),
    "an input twice": ("inputs: [{id: a, type: int}, {id: a, type: int}]", "is there twice"),
    "a field of another class": ("steps: {}", "unknown field 'steps'"),
    "a strange requirement": ("requirements: {Docker: {}}", "no requirement 'Docker'"),
    "a requirement without a class": ("requirements: [{coresMin: 1}]", "has no class"),
    "requirements that are text": ("requirements: all", "is a mapping or a list"),
    "arguments that are text": ("arguments: a b", "arguments are a list"),
    "a command that is a number": ("baseCommand: 3", "baseCommand is a word"),
    "an output of no type": ("outputs: {a: {outputBinding: {glob: x}}}", "has no type"),
    "half a processor in 1.1": (
        "cwlVersion: v1.1\nrequirements: {ResourceRequirement: {coresMin: 0.5}}",
        "a part of one (coresMin) came with v1.2, and this is v1.1",
    ),
    "a pattern in 1.0": (
        "cwlVersion: v1.0\ninputs: {a: {type: File?, secondaryFiles: [{pattern: .idx}]}}",
        "a pattern of secondaryFiles came with v1.1, and this is v1.0",
    ),
    "a time limit in 1.0": (
        "cwlVersion: v1.0\nrequirements: [{class: ToolTimeLimit, timelimit: 1}]",
        "requirement ToolTimeLimit came with v1.1, and this is v1.0",
    ),
    "an intent in 1.1": ("cwlVersion: v1.1\nintent: [x]", "intent came with v1.2"),
    "a default of another type": ("successCodes: all", ""),
    "resources that are text": ("requirements: {ResourceRequirement: {coresMin: [1]}}", ""),
    "an unknown field of a requirement": ("requirements: {WorkReuse: {reuse: true}}", ""),
}
GOOD_STEPS = {
    "a default": "a: {run: make.cwl, in: {n: {default: 3}}, out: [out]}",
    "inputs in a list": "a: {run: make.cwl, in: [{id: n, source: n}], out: [{id: out}]}",
    "a scatter": "a: {run: make.cwl, scatter: n, in: {n: {default: [1, 2]}}, out: [out]}",
    "a value of an expression": "a: {run: make.cwl, in: {n: {source: n, valueFrom: $(self)}}, out: [out]}",
    "a condition": "a: {run: make.cwl, when: $(inputs.on), in: {on: {default: true}}, out: [out]}",
    "an input that the tool lacks": "a: {run: make.cwl, in: {n: n, more: n}, out: [out]}",
    "a tool within": "a: {run: {class: CommandLineTool, baseCommand: b, inputs: {}, outputs: {}}, in: {}, out: []}",
    "hints": "a: {run: make.cwl, in: {}, out: [out], hints: {dirac:Transformation: {tasks: 3}}}",
}
BAD_STEPS = {
    "nothing to run": ("a: {in: {}, out: []}", "there is no run"),
    "no inputs": ("a: {run: make.cwl, out: []}", "there is no in"),
    "no outputs": ("a: {run: make.cwl, in: {}}", "there is no out"),
    "an output that is not there": ("a: {run: make.cwl, in: {}, out: [o]}", "no output 'o'"),
    "a source that is not there": ("a: {run: make.cwl, in: {n: m}, out: []}", "no source 'm'"),
    "a source that is a number": ("a: {run: make.cwl, in: {n: {source: 3}}, out: []}", "is a name"),
    "an input that gets nothing": ("a: {run: one.cwl, in: {}, out: []}", "gives nothing to its"),
    "a scatter over nothing": (
        "a: {run: make.cwl, scatter: m, in: {n: n}, out: []}",
        "no input of the step",
    ),
    "scatters without a method": (
        "a: {run: make.cwl, scatter: [n, name], in: {n: n, name: n}, out: []}",
        "several inputs are scattered",
    ),
    "a strange way to scatter": (
        "a: {run: make.cwl, scatter: n, scatterMethod: zip, in: {n: n}, out: []}",
        "no way to scatter",
    ),
    "a strange way to merge": (
        "a: {run: make.cwl, in: {n: {source: n, linkMerge: flat}}, out: []}",
        "unknown word 'flat'",
    ),
    "a strange way to pick": (
        "a: {run: make.cwl, in: {n: {source: n, pickValue: first}}, out: []}",
        "unknown word 'first'",
    ),
    "a file that is not there": ("a: {run: gone.cwl, in: {}, out: []}", "no readable file"),
    "steps in a word": ("run", "is no mapping"),
}


def with_lines(text: str, lines: str) -> str:
    """The document with these lines in place of those with the same keys; empty ones go."""
    for line in lines.splitlines(keepends=True):
        key = line.partition(":")[0]
        old = [one for one in text.splitlines(keepends=True) if one.startswith(f"{key}:")]
        text = text.replace(old[0], line) if old else text + line.rstrip("\n") + "\n"
    return "".join(
        o
        for o in text.splitlines(keepends=True)
        if not o.rstrip().endswith((":",)) or o == "steps:\n"
    )


def step_of(text: str) -> str:
    """The workflow with this step."""
    return WORKFLOW.replace("a: {run: make.cwl, in: {n: n}, out: [out]}", text)


def wrapped(text: str) -> str:
    """A production of that workflow."""
    hints = "hints: {dirac:Production: {vo: sim, se: A-SE}}\ninputs:"
    return text.replace("inputs:", hints, 1)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("a: {run: make.cwl, when: $(inputs.n), in: {n: n}, out: []}", "when came with v1.2"),
        (
            "a: {run: make.cwl, in: {n: {source: n, pickValue: first_non_null}}, out: []}",
            "pickValue came with v1.2",
        ),
    ],
)
def test_a_workflow_holds_nothing_of_a_later_version(step: str, words: str) -> None:
    make = {name: text.replace("v1.2", "v1.1") for name, text in TOOLS.items()}
    error = only(refused(wrapped(step_of(step)).replace("v1.2", "v1.1", 1), make))
    assert words in error.reason


def test_there_are_enough_documents() -> None:
    assert sum(map(len, (GOOD_TOOLS, BAD_TOOLS, GOOD_STEPS, BAD_STEPS))) >= 85


@pytest.mark.parametrize("name", GOOD_TOOLS)
def test_a_good_tool_is_read(name: str) -> None:
    text = with_lines(TOOL, GOOD_TOOLS[name])
    assert planned(JOB, {"doc.cwl": text}).steps


@pytest.mark.parametrize("name", BAD_TOOLS)
def test_a_bad_tool_is_refused(name: str) -> None:
    line, words = BAD_TOOLS[name]
    text = with_lines(TOOL, line + "\n")
    errors = [e for e in refused(JOB, {"doc.cwl": text}, ask=not words) if e.code == "cwl-document"]
    error = only(errors)
    assert words in error.reason
    assert error.file == "doc.cwl"


@pytest.mark.parametrize("name", GOOD_STEPS)
def test_a_good_step_is_read(name: str) -> None:
    assert planned(wrapped(step_of(GOOD_STEPS[name]))).steps


@pytest.mark.parametrize("name", BAD_STEPS)
def test_a_bad_step_is_refused(name: str) -> None:
    text, words = BAD_STEPS[name]
    if text == "run":
        text = "a: run"
    found = refused(wrapped(step_of(text)))
    assert any(words in error.reason for error in found), found
    assert all(error.code == "cwl-document" for error in found)


def test_cwl_utils_agrees_about_the_good_ones() -> None:
    """All in one workflow: a child takes a second to start."""
    steps = [
        f"  s{number}: {{run: t{number}.cwl, in: {{}}, out: []}}\n"
        for number in range(len(GOOD_TOOLS))
    ]
    tools = {
        f"t{number}.cwl": with_lines(TOOL, lines)
        for number, (name, lines) in enumerate(GOOD_TOOLS.items())
    }
    text = "cwlVersion: v1.2\nclass: Workflow\ninputs: {}\noutputs: {}\nsteps:\n" + "".join(steps)
    assert validity.installed()
    assert planned(JOB, {"doc.cwl": text, **tools, **TOOLS}, ask=True).steps
