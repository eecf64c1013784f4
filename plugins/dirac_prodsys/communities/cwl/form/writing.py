"""Writes a production of the native form as a workflow of CWL with ``dirac:`` hints.

CWL says the steps, what they run and which takes the files of which. Everything else stands in the
hints, word for word, with ``complete: true``: then nothing is added when it is read again. What a
runner of CWL alone would not do is named.

Invariant: what is written is valid CWL, and read again it is the same plan.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from dirac_prodsys.communities.cwl.document.packing import unpack
from dirac_prodsys.communities.cwl.document.versions import VERSIONS
from dirac_prodsys.communities.cwl.form.hints import NAMESPACE, PRODUCTION, TRANSFORMATION
from dirac_prodsys.communities.cwl.job.job_type import FILES, NUMBER, ports
from dirac_prodsys.core.text.writer import text_of as yaml_text

#: the one input and output of a step that runs no CWL itself
PORT, TASK = "files", "task"
#: keys of a file → what a runner of CWL does not do about them
_ONLY_HERE = {
    "matrix": "branches of a matrix",
    "loops": "loops",
    "schedule": "what begins a run",
    "parameters": "parameters of a run",
    "approval": "approvals",
    "policy": "flushing and recovery",
    "wait_for": "waiting for datasets, files and numbers",
    "after": "the order of steps without files",
    "run_numbers": "run numbers",
    "plugin": "plugins that make tasks",
}


def text_of(data: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the CWL text of a production's data, and what CWL cannot say."""
    steps: Mapping[str, Any] = data["steps"]
    by_default = (data.get("defaults") or {}).get("job") or {}
    jobs = {name: {**by_default, **(step.get("job") or {})} for name, step in steps.items()}
    processes = {name: _process(step, jobs[name]) for name, step in steps.items()}
    inputs: dict[str, Any] = {}
    written = {name: _step(name, step, steps, processes, inputs) for name, step in steps.items()}
    outputs = {
        f"{name}_{port}": {"type": kind, "outputSource": f"{name}/{port}"}
        for name, step in steps.items()
        if "dataset" in step
        for port, kind in _outputs(processes[name])
    }
    header = dict(data["production"])
    more = {k: v for k, v in data.items() if k not in ("version", "production", "steps")}
    whole: dict[str, Any] = {
        "cwlVersion": _newest(processes.values()),
        "class": "Workflow",
        "$namespaces": {"dirac": NAMESPACE},
    }
    if header.get("description"):
        whole["label"] = header["description"]
    whole |= {
        "requirements": {
            "MultipleInputFeatureRequirement": {},
            "SubworkflowFeatureRequirement": {},
        },
        "hints": {PRODUCTION: {"complete": True, **header, **more}},
        "inputs": inputs,
        "outputs": outputs,
        "steps": written,
    }
    text = yaml_text(whole, files=(f"production {header['name']}",)).replace(", resolved", "", 1)
    return text, tuple(_unsaid(data, jobs))


def _process(step: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the process that a step runs in CWL."""
    if job.get("type") == "cwl" and job.get("packed"):
        found: dict[str, Any] = unpack(job["packed"])
        return found
    takes = {PORT: "File[]"} if "input" in step else {}
    names = (step.get("output") or {}).get("files") or ()
    globs = [name.replace(NUMBER, "*").replace("@{PRODUCTION_ID}", "*") for name in names]
    gives = {PORT: {"type": "File[]", "outputBinding": {"glob": globs}}} if globs else {}
    if not gives and "output" in step:
        gives = {PORT: {"type": "File[]", "outputBinding": {"glob": []}}}
    if job.get("type") != "script" or not job.get("executable"):
        for port in gives.values():
            port.pop("outputBinding", None)
        return {"class": "Operation", "inputs": takes, "outputs": gives}
    words = shlex.split(str(job.get("arguments", "")))
    numbered = any(NUMBER in word for word in words)
    return {
        "class": "CommandLineTool",
        "baseCommand": [job["executable"]],
        "arguments": [
            word.replace("$", "\\$").replace(NUMBER, f"$(inputs.{TASK})") for word in words
        ],
        "inputs": takes | ({TASK: {"type": "string", "default": "00000001"}} if numbered else {}),
        "outputs": gives,
    }


def _outputs(process: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, (kind, _) in ports(process, "outputs").items():
        if kind.is_file:
            yield name, kind.words()


def _step(
    name: str,
    step: Mapping[str, Any],
    steps: Mapping[str, Any],
    processes: Mapping[str, Any],
    inputs: dict[str, Any],
) -> dict[str, Any]:
    process = processes[name]
    source = step.get("input") or {}
    given = source.get("from", ())
    parents = [given] if isinstance(given, str) else list(given)
    # branches of a matrix and steps that only copy have no outputs in CWL
    linked = all(parent in steps and any(_outputs(processes[parent])) for parent in parents)
    hint = {key: value for key, value in step.items() if key not in ("description", "input", "job")}
    rest = {k: v for k, v in source.items() if k != "from" or not linked}
    if rest:
        hint["input"] = rest
    job = step.get("job")
    if job is not None:
        left_out = ("packed", "digest") if job.get("packed") else ()
        hint["job"] = {k: v for k, v in job.items() if k not in left_out}
    made: dict[str, Any] = {}
    if step.get("description"):
        made["doc"] = step["description"]
    takes = _taker(step, process)
    links: dict[str, Any] = {}
    for port, (kind, default) in ports(process, "inputs").items():
        if port == takes and parents and linked:
            sources = [f"{p}/{out}" for p in parents for out, _ in _outputs(processes[p])]
            links[port] = {"source": sources, "linkMerge": "merge_flattened"}
        elif not default and not kind.optional:
            inputs[f"{name}_{port}"] = _written_type(process, port)
            links[port] = f"{name}_{port}"
    return made | {
        "run": {k: v for k, v in process.items() if k != "cwlVersion"},
        "in": links,
        "out": [port for port, _ in _outputs(process)],
        "hints": {TRANSFORMATION: hint},
    }


def _taker(step: Mapping[str, Any], process: Mapping[str, Any]) -> str:
    """Return the input that takes the files of a task."""
    given: Mapping[str, Any] = (step.get("job") or {}).get("inputs") or {}
    given = given if isinstance(given, Mapping) else {}
    found = [port for port, value in given.items() if value == FILES]
    return found[0] if found else PORT if PORT in ports(process, "inputs") else ""


def _written_type(process: Mapping[str, Any], port: str) -> Any:
    held = process["inputs"]
    entry = held[port] if isinstance(held, Mapping) else next(e for e in held if e["id"] == port)
    if not isinstance(entry, Mapping):
        return entry
    kind = entry["type"]
    beside = {k: entry[k] for k in ("items", "symbols", "fields") if k in entry}
    return {"type": {"type": kind, **beside} if beside else kind}


def _newest(processes: Any) -> str:
    named = [p.get("cwlVersion", VERSIONS[-1]) for p in processes]
    return str(max(named, key=VERSIONS.index, default=VERSIONS[-1]))


def _unsaid(data: Mapping[str, Any], jobs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    steps = data["steps"].values()
    for key, words in _ONLY_HERE.items():
        if key in data or key in data["production"] or any(key in step for step in steps):
            yield words
    kinds = {str(job.get("type", "request")) for job in jobs.values()} - {"script", "cwl"}
    if kinds:
        yield f"jobs of type {', '.join(sorted(kinds))}"
