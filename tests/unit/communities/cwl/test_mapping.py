"""A workflow of CWL becomes a production: which step, which files, which values."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.communities.cwl.document.packing import unpack
from dirac_prodsys.core.grid.specs import JobSpec
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.plan.values import ProductionPlan
from tests.unit.communities.cwl.cwl_files import TOOLS, only, planned, reading, refused, workflow

MAKE = "make: {run: make.cwl, in: {}, out: [out]}\n"
NODE = {
    "double.cwl": """\
cwlVersion: v1.2
class: ExpressionTool
requirements: {InlineJavascriptRequirement: {}}
inputs: {n: int}
outputs: {n: int}
expression: "${ return {'n': inputs.n * 2}; }"
"""
}


def job(plan: ProductionPlan, step: str) -> dict[str, Any]:
    """What the worker gets."""
    body = plan.step(step).transformation.body
    assert isinstance(body, JobSpec)
    found: dict[str, Any] = unpack(body.commands[0].arguments.split(" ")[-4])
    return found


def test_files_that_flow_along_a_link_are_the_input_of_a_step() -> None:
    steps = (
        MAKE + "all: {run: many.cwl, in: {files: {source: [make/out], linkMerge: merge_nested}}, "
        "out: [out]}\n"
    )
    plan = planned(workflow(steps, outputs="{out: {type: File, outputSource: all/out}}"))
    make, merge = plan.steps
    assert (make.transformation.type, make.transformation.tasks) == ("MCSimulation", 1)
    assert merge.parents == ("make",)
    # a list without a group size is all files at once
    assert (merge.transformation.type, merge.start) == ("Merging", "on_complete")
    assert merge.transformation.group_size >= 100_000
    assert merge.dataset is not None
    assert merge.dataset.name == "/sim/datasets/wf_all_r1"
    assert job(plan, "all")["inputs"] == {"files": {"files": "all"}}
    assert job(plan, "make")["outputs"] == {"out": "make_out_@{JOB_ID}.root"}


def test_a_group_size_comes_from_either_hint() -> None:
    for hint in ("dirac:Transformation: {group_size: 5}", "dirac:ExecutionHooks: {group_size: 5}"):
        steps = f"""{MAKE}all:
  run: many.cwl
  in: {{files: {{source: make/out, linkMerge: merge_nested}}}}
  out: [out]
  hints: {{{hint}}}
"""
        step = planned(workflow(steps)).step("all")
        assert (step.transformation.group_size, step.start) == (5, "streaming")


def test_a_scatter_over_files_is_one_task_for_each() -> None:
    steps = """\
make: {run: make.cwl, scatter: n, in: {n: ns}, out: [out]}
one: {run: one.cwl, scatter: file, in: {file: make/out}, out: [out]}
"""
    plan = planned(workflow(steps, inputs="{ns: {type: 'int[]', default: [4, 5, 6]}}"))
    assert plan.step("make").transformation.tasks == 3
    assert job(plan, "make")["inputs"] == {"n": {"each": [4, 5, 6]}}
    one = plan.step("one").transformation
    assert (one.type, one.group_size) == ("DataProcessing", 1)
    assert job(plan, "one")["inputs"] == {"file": {"files": "one"}}


@pytest.mark.parametrize(
    ("method", "tasks", "numbers"),
    [("dotproduct", 2, [1, 2]), ("flat_crossproduct", 4, [1, 1, 2, 2])],
)
def test_a_scatter_over_two_lists_pairs_or_multiplies_them(
    method: str, tasks: int, numbers: list[int]
) -> None:
    steps = f"""make:
  run: make.cwl
  scatter: [n, name]
  scatterMethod: {method}
  in: {{n: ns, name: names}}
  out: [out]
"""
    inputs = "{ns: {type: 'int[]', default: [1, 2]}, names: {type: 'string[]', default: [a, b]}}"
    plan = planned(workflow(steps, inputs))
    assert plan.step("make").transformation.tasks == tasks
    assert job(plan, "make")["inputs"]["n"] == {"each": numbers}


def test_a_step_that_takes_files_and_is_scattered_over_values_is_a_step_for_each_value() -> None:
    steps = """\
make: {run: make.cwl, scatter: n, in: {n: ns}, out: [out]}
cut:
  run: one.cwl
  scatter: [file, cut]
  scatterMethod: flat_crossproduct
  in: {file: make/out, cut: cuts}
  out: [out]
all: {run: many.cwl, in: {files: cut/out}, out: [out]}
"""
    inputs = (
        "{ns: {type: 'int[]', default: [1, 2]}, cuts: {type: 'float[]', default: [0.5, 0.7, 0.9]}}"
    )
    plan = planned(workflow(steps, inputs))
    assert [s.name for s in plan.steps] == ["make", "cut.1", "cut.2", "cut.3", "all"]
    assert [job(plan, f"cut.{n}")["inputs"]["cut"] for n in (1, 2, 3)] == [
        {"value": 0.5},
        {"value": 0.7},
        {"value": 0.9},
    ]
    for number in (1, 2, 3):
        assert job(plan, f"cut.{number}")["inputs"]["file"] == {"files": "one"}
        assert plan.step(f"cut.{number}").transformation.group_size == 1
    assert plan.step("all").parents == ("cut.1", "cut.2", "cut.3")


def test_all_files_go_to_each_value_where_only_values_are_scattered() -> None:
    steps = """\
make: {run: make.cwl, scatter: n, in: {n: ns}, out: [out]}
all: {run: many.cwl, scatter: name, in: {files: make/out, name: names}, out: [out]}
"""
    inputs = "{ns: {type: 'int[]', default: [1, 2]}, names: {type: 'string[]', default: [a, b]}}"
    plan = planned(workflow(steps, inputs, "{o: {type: 'File[]', outputSource: all/out}}"))
    assert [s.name for s in plan.steps] == ["make", "all.1", "all.2"]
    for number, name in ((1, "a"), (2, "b")):
        assert job(plan, f"all.{number}")["inputs"] == {
            "files": {"files": "all"},
            "name": {"value": name},
        }
        dataset = plan.step(f"all.{number}").dataset
        assert dataset is not None
        assert dataset.name == f"/sim/datasets/wf_all_{number}_r1"


PARTS = """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: split
inputs: {}
outputs:
  parts: {type: "File[]", outputBinding: {glob: GLOB}}
  log: {type: File, outputBinding: {glob: split.log}}
"""


@pytest.mark.parametrize(
    ("glob", "hint", "endings"),
    [
        ("[a.h5, b.txt]", "{}", [".h5", ".txt"]),
        ("'*.h5'", "{dirac:Transformation: {output_files: {parts: 3}}}", [".h5"] * 3),
    ],
)
def test_several_files_of_one_output_are_uploaded_by_number(
    glob: str, hint: str, endings: list[str]
) -> None:
    steps = f"""\
split: {{run: parts.cwl, in: {{}}, out: [parts, log], hints: {hint}}}
one: {{run: one.cwl, scatter: file, in: {{file: split/parts}}, out: [out]}}
"""
    others = {**TOOLS, "parts.cwl": PARTS.replace("GLOB", glob)}
    plan = planned(workflow(steps, "{}", "{l: {type: File, outputSource: split/log}}"), others)
    names = [f"split_parts_{n}_@{{JOB_ID}}{ending}" for n, ending in enumerate(endings, 1)]
    assert job(plan, "split")["outputs"] == {"log": "split_log_@{JOB_ID}.log", "parts": names}
    body = plan.step("split").transformation.body
    assert isinstance(body, JobSpec)
    assert {o.name: o.metadata for o in body.outputs} == {
        "split_log_@{JOB_ID}.log": ({"output": "log"},),
        **{name: ({"output": "parts"},) for name in names},
    }


def test_an_array_of_files_or_texts_takes_files_of_the_catalogue() -> None:
    mixed = TOOLS["many.cwl"].replace('"File[]"', "{type: array, items: [string, File]}")
    text = workflow(
        "all: {run: mixed.cwl, in: {files: files}, out: [out]}\n",
        "{files: {type: {type: array, items: [string, File]}, default: [LFN:/sim/1, LFN:/sim/2]}}",
    )
    plan = planned(text, {**TOOLS, "mixed.cwl": mixed})
    assert job(plan, "all")["inputs"] == {"files": {"files": "all"}}


def test_a_union_of_files_takes_those_of_both_steps() -> None:
    steps = (
        MAKE
        + MAKE.replace("make:", "more:")
        + "all: {run: many.cwl, in: {files: {source: [make/out, more/out], "
        "linkMerge: merge_flattened}}, out: [out]}\n"
    )
    assert planned(workflow(steps)).step("all").parents == ("make", "more")


def test_who_takes_one_of_two_outputs_asks_for_it() -> None:
    steps = """\
make: {run: make.cwl, in: {}, out: [out, log]}
one: {run: one.cwl, in: {file: make/out}, out: [out]}
"""
    plan = planned(workflow(steps, outputs="{log: {type: File, outputSource: make/log}}"))
    body = plan.step("make").transformation.body
    assert isinstance(body, JobSpec)
    assert {o.name: o.metadata for o in body.outputs} == {
        "make_log_@{JOB_ID}.log": ({"output": "log"},),
        "make_out_@{JOB_ID}.root": ({"output": "out"},),
    }
    query = plan.step("one").transformation.input_query
    assert query is not None
    assert query.to_dirac()["output"] == {"=": "out"}
    dataset = plan.step("make").dataset
    assert dataset is not None
    assert "log" in str(dataset.query.to_dirac()["output"])


def test_one_known_file_of_another_step_is_waited_for() -> None:
    steps = """\
train: {run: make.cwl, in: {}, out: [out]}
make: {run: make.cwl, scatter: n, in: {n: ns}, out: [out]}
apply: {run: one.cwl, scatter: file, in: {file: make/out, model: train/out}, out: [out]}
"""
    plan = planned(workflow(steps, inputs="{ns: {type: 'int[]', default: [1, 2]}}"))
    apply = plan.step("apply")
    model = "/sim/wf/r1/train/train_out.root"
    assert apply.parents == ("make",)
    assert model in str(apply.gates)
    body = apply.transformation.body
    assert isinstance(body, JobSpec)
    assert body.sandbox == (f"LFN:{model}",)
    assert job(plan, "apply")["inputs"]["model"] == {"file": f"LFN:{model}"}
    assert job(plan, "train")["outputs"] == {"out": "train_out.root"}


def test_a_value_is_a_parameter_of_the_run() -> None:
    text = workflow(
        "make: {run: make.cwl, in: {n: events}, out: [out]}\n",
        inputs="{events: {type: int, default: 7, doc: Events of each job}}",
    )
    production = reading(text).production
    assert production is not None
    assert production.parameters["events"].default == 7
    plan = compile_plan(production.bind({"events": 9}), run="r1")
    assert job(plan, "make")["inputs"] == {"n": {"value": 9}}


def test_what_is_known_decides_which_steps_run() -> None:
    steps = """\
slow: {run: make.cwl, when: $(inputs.on), in: {on: slow}, out: [out]}
fast: {run: make.cwl, when: $(inputs.on), in: {on: fast}, out: [out]}
one:
  run: one.cwl
  in: {file: {source: [slow/out, fast/out], pickValue: first_non_null}}
  out: [out]
"""
    inputs = "{slow: {type: boolean, default: false}, fast: {type: boolean, default: true}}"
    plan = planned(workflow(steps, inputs))
    assert [step.name for step in plan.steps] == ["fast", "one"]
    assert plan.step("one").parents == ("fast",)


def test_an_expression_tool_over_values_is_evaluated() -> None:
    steps = """\
flag: {run: flag.cwl, in: {n: n}, out: [n]}
make: {run: make.cwl, in: {n: flag/n}, out: [out]}
"""
    plan = planned(workflow(steps, inputs="{n: {type: int, default: 3}}"))
    assert [step.name for step in plan.steps] == ["make"]
    assert job(plan, "make")["inputs"] == {"n": {"value": 3}}


def test_javascript_over_known_values_is_evaluated_by_a_child_where_it_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = """\
double: {run: double.cwl, in: {n: n}, out: [n]}
make: {run: make.cwl, in: {n: double/n}, out: [out]}
"""
    text = workflow(steps, inputs="{n: {type: int, default: 3}}")
    monkeypatch.delenv("DIRAC_PRODSYS_CWL_JAVASCRIPT", raising=False)
    assert "which is run here only with" in only(refused(text, {**TOOLS, **NODE}, ask=True)).reason
    monkeypatch.setenv("DIRAC_PRODSYS_CWL_JAVASCRIPT", "1")
    plan = planned(text, {**TOOLS, **NODE}, ask=True)
    assert job(plan, "make")["inputs"] == {"n": {"value": 6}}


def test_an_expression_over_the_file_of_the_job_is_left_to_the_job() -> None:
    steps = (
        MAKE
        + """\
all:
  run: many.cwl
  in:
    files: {source: [make/out], linkMerge: merge_nested}
    name: {valueFrom: "$(inputs.files[0].nameroot).all"}
  out: [out]
"""
    )
    process = job(planned(workflow(steps)), "all")["process"]
    assert process["class"] == "Workflow"
    assert process["steps"]["step"]["in"]["name"] == {
        "valueFrom": "$(inputs.files[0].nameroot).all"
    }
    assert process["inputs"]["files"] == "File[]"


def test_requirements_of_the_workflow_hold_in_the_job() -> None:
    head = "requirements: {EnvVarRequirement: {envDef: {A: b}}}\n"
    text = workflow(MAKE).replace("inputs:", head + "inputs:", 1)
    process = job(planned(text), "make")["process"]
    assert process["requirements"] == {"EnvVarRequirement": {"envDef": {"A": "b"}}}


def test_a_workflow_inside_is_one_job_without_a_hint_and_steps_with_one() -> None:
    inner = """\
cwlVersion: v1.2
class: Workflow
HINT
inputs: {n: int}
outputs: {out: {type: File, outputSource: b/out}}
steps:
  a: {run: make.cwl, in: {n: n}, out: [out]}
  b: {run: one.cwl, in: {file: a/out}, out: [out]}
"""
    steps = """\
in: {run: inner.cwl, in: {n: {default: 4}}, out: [out]}
all: {run: one.cwl, in: {file: in/out}, out: [out]}
"""
    text = workflow(steps)
    one = planned(text, {**TOOLS, "inner.cwl": inner.replace("HINT", "hints: {}")})
    assert [step.name for step in one.steps] == ["in", "all"]
    hint = "hints: {dirac:Production: {}}"
    flat = planned(text, {**TOOLS, "inner.cwl": inner.replace("HINT", hint)})
    assert [step.name for step in flat.steps] == ["in.a", "in.b", "all"]
    assert flat.step("all").parents == ("in.b",)


def test_resources_become_those_of_the_job() -> None:
    needs = (
        "requirements:\n  ResourceRequirement: {coresMin: 4, ramMin: 16000}\n"
        "  ToolTimeLimit: {timelimit: 3600}\n"
    )
    tools = {**TOOLS, "make.cwl": TOOLS["make.cwl"].replace("inputs:", needs + "inputs:", 1)}
    body = planned(workflow(MAKE), tools).step("make").transformation.body
    assert isinstance(body, JobSpec)
    assert (body.processors, body.tags, body.cpu_time) == (4, ("16GB",), 3600)


def test_hints_say_what_cwl_cannot() -> None:
    steps = """\
make:
  run: make.cwl
  in: {}
  out: [out]
  hints:
    dirac:Transformation: {tasks: 20, policy: {extend: {up_to: 0.5}}}
    dirac:Scheduling: {sites: [LCG.CERN.ch], priority: 3}
"""
    step = planned(workflow(steps)).step("make")
    body = step.transformation.body
    assert isinstance(body, JobSpec)
    assert (step.transformation.tasks, body.sites, body.priority) == (20, ("LCG.CERN.ch",), 3)


def test_an_unknown_hint_is_a_warning() -> None:
    steps = "make: {run: make.cwl, in: {}, out: [out], hints: {dirac:Teleport: {}}}\n"
    found = reading(workflow(steps))
    assert found.mistakes == ()
    (remark,) = [r for r in found.remarks if r.code == "cwl-hint"]
    assert "dirac:Teleport" in remark.reason


def test_five_lines_of_yaml_name_a_workflow_and_lay_keys_over_it() -> None:
    text = """\
version: 1
production: {name: five, vo: ctao}
cwl: {file: wf.cwl, inputs: {file: {dataset: /ctao/datasets/d}}}
common: {se: B-SE}
steps: {one: {policy: {min_processed: 0.9}}}
"""
    inner = workflow("one: {run: one.cwl, in: {file: file}, out: [out]}\n", "{file: File}").replace(
        "hints: {dirac:Production: {vo: sim, se: A-SE}}\n", ""
    )
    plan = planned(text, {**TOOLS, "wf.cwl": inner})
    step = plan.step("one")
    assert step.transformation.name == "five__r1__one"
    assert step.awaits == ("/ctao/datasets/d",)
    assert step.transformation.group_size == 1
    assert step.rules.min_processed == 0.9


def test_what_is_served_needs_no_other_file() -> None:
    text = workflow(MAKE)
    production = reading(text).production
    assert production is not None
    again = reading(production.source, {})
    assert again.mistakes == ()
    assert again.production is not None
    assert compile_plan(again.production, run="r1") == planned(text)
