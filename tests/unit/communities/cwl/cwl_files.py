"""Makes productions of CWL from pieces of text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from contextlib import nullcontext

import pytest

from dirac_prodsys.communities.cwl.document.validity import nobody_asked
from dirac_prodsys.core.dialects import Reading, inspect
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

HEAD = """\
cwlVersion: v1.2
class: Workflow
hints: {dirac:Production: {vo: sim, se: A-SE}}
"""

#: makes files out of nothing, out of one file, out of many, out of two lists
TOOLS = {
    "make.cwl": """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: make
inputs: {n: {type: int, default: 1}, name: string?}
outputs:
  out: {type: File, outputBinding: {glob: "*.root"}}
  log: {type: File, outputBinding: {glob: make.log}}
  number: {type: int, outputBinding: {outputEval: "$(inputs.n)"}}
""",
    "one.cwl": """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: one
inputs: {file: File, model: File?, cut: float?}
outputs: {out: {type: File, outputBinding: {glob: one.h5}}}
""",
    "many.cwl": """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: many
inputs: {files: "File[]", name: {type: string, default: all}}
outputs: {out: {type: File, outputBinding: {glob: many.h5}}}
""",
    "two.cwl": """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: two
inputs: {signal: "File[]", background: "File[]"}
outputs: {out: {type: File, outputBinding: {glob: two.h5}}}
""",
    "flag.cwl": """\
cwlVersion: v1.2
class: ExpressionTool
inputs: {n: int}
outputs: {n: int, list: "int[]"}
expression: $(inputs)
""",
}


def workflow(steps: str, inputs: str = "{}", outputs: str = "{}", head: str = HEAD) -> str:
    """The text of a workflow."""
    return f"{head}inputs: {inputs}\noutputs: {outputs}\nsteps:\n{textwrap.indent(steps, '  ')}"


def reading(text: str, others: Mapping[str, str] = TOOLS, *, ask: bool = False) -> Reading:
    """Read a workflow; ``ask``: cwl-utils, too."""
    with nullcontext() if ask else nobody_asked():
        return inspect(text, "wf.cwl", read_sibling=dict(others).get)


def planned(text: str, others: Mapping[str, str] = TOOLS, *, ask: bool = False) -> ProductionPlan:
    """The plan of a good workflow, for a run named r1."""
    found = reading(text, others, ask=ask)
    assert [str(mistake) for mistake in found.mistakes] == []
    assert found.production is not None
    return compile_plan(found.production, run="r1")


def refused(
    text: str, others: Mapping[str, str] = TOOLS, *, ask: bool = False
) -> list[DefinitionError]:
    """What is wrong with a workflow."""
    try:
        return list(reading(text, others, ask=ask).mistakes)
    except DefinitionErrors as errors:
        return list(errors.errors)


def only(errors: list[DefinitionError]) -> DefinitionError:
    """The one finding."""
    if len(errors) != 1:
        pytest.fail("\n".join(map(str, errors)) or "nothing was found")
    assert errors[0].line
    assert errors[0].hint
    return errors[0]
