"""Makes the process that a job of a step runs: what the step runs, and what it adds to it.

Requirements of the workflow and of the step hold for what is run. An expression that only the job
can evaluate (``valueFrom`` with the job's file) stays: the job then runs a workflow of one step.

Invariant: the job computes what the step would compute in one run of the whole workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.cwl.document.process import CwlStep, Process, hints_of
from dirac_prodsys.communities.cwl.form.values import Known, Value, placed
from dirac_prodsys.core.language.located import Located

#: requirements that only say how a workflow is written
_OF_WORKFLOWS = frozenset(
    {
        "SubworkflowFeatureRequirement",
        "ScatterFeatureRequirement",
        "MultipleInputFeatureRequirement",
        "StepInputExpressionRequirement",
    }
)
_STEP = "step"


def process_of_job(
    step: CwlStep,
    outer: Process,
    values: Mapping[str, Value],
    left: list[str],
    port: str,
    namespaces: Located | None,
) -> Located:
    """Return the process.

    :param namespaces: of the whole document.
    :param left: inputs whose ``valueFrom`` only the job can evaluate.
    :param port: the input that takes the files of the task.
    """
    inherited = {
        name: entry
        for where in (outer.where, step.where)
        for name, entry in hints_of(where, "requirements").items()
        if name not in _OF_WORKFLOWS and not name.startswith("dirac:")
    }
    tool = _with_requirements(step.run.where, inherited)
    if namespaces is not None:
        tool = tool.put({"$namespaces": namespaces})
    version = outer.where.text("cwlVersion") or step.run.where.text("cwlVersion") or "v1.2"
    strangers = [key for key in step.links if key not in step.run.inputs]
    if not left:
        return (
            tool.put({"cwlVersion": tool.scalar(version)})
            if not strangers
            else _wrapped(step, tool, values, left, port, version)
        )
    return _wrapped(step, tool, values, left, port, version)


def _with_requirements(tool: Located, inherited: Mapping[str, Located]) -> Located:
    own = hints_of(tool, "requirements")
    added = {name: entry for name, entry in inherited.items() if name not in own}
    if not added:
        return tool
    return tool.put({"requirements": placed(tool, {**added, **own})})


def _wrapped(
    step: CwlStep,
    tool: Located,
    values: Mapping[str, Value],
    left: list[str],
    port: str,
    version: str,
) -> Located:
    inputs: dict[str, Any] = {}
    links: dict[str, Any] = {}
    for key, link in step.links.items():
        value = values[key]
        empty = isinstance(value, Known) and value.value is None
        entry: dict[str, Any] = {}
        if not empty:
            inputs[key] = _type(step, key, value, left, port)
            entry["source"] = key
        if key in left and link.value_from is not None:
            entry["valueFrom"] = link.value_from
        if entry:
            links[key] = entry
    requirements: dict[str, Any] = {"StepInputExpressionRequirement": {}}
    own = hints_of(tool, "requirements")
    for name in ("InlineJavascriptRequirement", "SchemaDefRequirement"):
        if name in own:
            requirements[name] = own[name]
    outputs = {
        name: {"type": _output_type(found.where), "outputSource": f"{_STEP}/{name}"}
        for name in step.outputs
        if (found := step.run.outputs.get(name)) is not None
    }
    return placed(
        step.where,
        {
            "cwlVersion": version,
            "class": "Workflow",
            **({"$namespaces": tool.value["$namespaces"]} if "$namespaces" in tool.value else {}),
            "requirements": requirements,
            "inputs": inputs,
            "outputs": outputs,
            "steps": {
                _STEP: {
                    "run": tool.drop("cwlVersion", "$namespaces", "$schemas"),
                    "in": links,
                    "out": list(outputs),
                }
            },
        },
    )


def _type(step: CwlStep, key: str, value: Value, left: list[str], port: str) -> Any:
    own = step.run.inputs.get(key)
    if not isinstance(value, Known):
        if key == port:
            many = value.depth if hasattr(value, "depth") else 0
            return "File" if key in step.scatter or not many else "File[]"
        if own is not None and key not in left:
            return _output_type(own.where)
        return "File" if hasattr(value, "depth") else "Any"
    if own is not None and key not in left and key not in step.scatter:
        return _output_type(own.where)
    return "Any"


def _output_type(where: Located) -> Any:
    written = where.value["type"]
    if written.value in ("stdout", "stderr", "stdin"):
        return "File"
    beside = {key: where.value[key] for key in ("items", "symbols", "fields") if key in where.value}
    return {"type": written, **beside} if beside else written
