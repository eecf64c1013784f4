"""Describes what a step of a plan sends: one label and one value for each thing a person checks.

Invariant: a row holds what the plan holds and nothing else; :func:`in_full` leaves nothing out of
what is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core.text.wording import counted, plural

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.specs import (
        BodySpec,
        CommunityBody,
        DatasetSpec,
        JobSpec,
        TransformationSpec,
    )
    from dirac_prodsys.core.production.policy import Approval
    from dirac_prodsys.core.query.meta_query import MetaQuery
    from dirac_prodsys.core.steps.step_plan import StepPlan

#: text that reads as one word, or is a list already; and text that looks like a number
_PLAIN = re.compile(r"[^\s,;()'\"=<>]+|\[.*\]")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")

#: characters of a command line that are shown
_LONGEST_LINE = 400
_OPERATORS = {"in": "in", "nin": "not in"}


def step_rows(step: StepPlan) -> Iterator[tuple[str, str]]:
    """Yield what one step sends, as label and words, in the order in which files pass it."""
    spec = step.transformation
    yield "transformation", spec.name
    yield from _input_rows(step)
    yield from _task_rows(spec)
    yield from _body_rows(spec.body)
    yield from _output_rows(step)
    if step.dataset is not None:
        yield "dataset", _dataset(step.dataset, spec.output_query)
    yield from _gate_rows(step)


def in_full(step: StepPlan) -> Iterator[tuple[str, str]]:
    """Yield the parts of a step verbatim: label and JSON."""
    spec = step.transformation
    for lfn in spec.files:
        yield "input file", lfn
    if spec.parameters:
        yield "plugin parameters", _json(spec.parameters)
    if spec.input_query is not None:
        yield "input query", _json(spec.input_query.to_dirac())
    yield "body", _json(spec.body.model_dump(mode="json"))
    if spec.output_query is not None:
        yield "output query", _json(spec.output_query.to_dirac())
    for directory in spec.directories:
        yield "directory", f"{directory.path} {_json(directory.metadata)}"
    if step.dataset is not None:
        yield "dataset query", _json(step.dataset.query.to_dirac())


def query_words(query: MetaQuery) -> str:
    """Return a query as ``field = value`` for each of its conditions."""
    conditions = []
    for field, form in query.to_dirac().items():
        if not isinstance(form, dict):  # Any, Missing
            conditions.append(f"{field} is {form}")
            continue
        for operator, operand in form.items():
            word = _OPERATORS.get(operator, operator)
            conditions.append(f"{field} {word} {_value(operand)}")
    return ", ".join(conditions) or "everything"


def asked(approval: Approval) -> str:
    """Describe what a person is asked, who may answer, and what silence means."""
    whom = ", ".join(approval.approvers) or "who may run the DAG"
    within = "" if approval.within is None else f" within {approval.within:g} h"
    silence = "" if approval.within is None else f", silence means {approval.otherwise}"
    return f"{approval.subject} ({whom}{within}{silence})"


def _input_rows(step: StepPlan) -> Iterator[tuple[str, str]]:
    spec = step.transformation
    if step.parents:
        yield "input from", f"{', '.join(step.parents)}, {_when(step)}"
    if step.feeders:
        yield "takes also of", ", ".join(step.feeders)
    if step.after:
        yield "starts after", ", ".join(step.after)
    if step.awaits:
        yield "input dataset", f"{', '.join(step.awaits)} (its query is looked up in the run)"
    if spec.files:
        yield "input files", f"{len(spec.files):,} listed"
    if step.verified_at:
        yield "input files", f"those with good replicas at {', '.join(step.verified_at)}"
    query = spec.input_query
    if step.newer is not None:
        yield "input files", "those of the query that no earlier generation has taken"
        query = step.newer.query
    if step.sample is not None:
        yield "input files", f"the first {step.sample.limit:,} of the query"
        query = step.sample.query
    if query is not None:
        yield "input query", query_words(query)


def _when(step: StepPlan) -> str:
    several = len(step.parents) > 1
    if step.start == "on_complete":
        return "when all are complete" if several else "when it is complete"
    if step.start == "streaming":
        return "as their files appear" if several else "as its files appear"
    share = step.start.removeprefix("at ")
    return f"when {'each' if several else 'it'} has done {share} of its work"


def _task_rows(spec: TransformationSpec) -> Iterator[tuple[str, str]]:
    if spec.tasks is not None:
        events = f", {spec.events_per_task:,} events each" if spec.events_per_task else ""
        yield "tasks", f"{spec.tasks:,}{events}"
    else:
        yield "group size", f"{_group(spec)} per task (plugin {spec.plugin})"
    if spec.parameters:
        yield "plugin parameters", _words(spec.parameters.items())


def _group(spec: TransformationSpec) -> str:
    from dirac_prodsys.core.grid.task_plugins import PLUGINS

    plugin = PLUGINS.get(spec.plugin)
    if plugin is not None and not plugin.counts_files:
        return f"{spec.group_size:g} GB"
    return f"{spec.group_size:g} {plural('file', spec.group_size)}"


def _body_rows(body: BodySpec) -> Iterator[tuple[str, str]]:
    from dirac_prodsys.core.grid.specs import CommunityBody, JobSpec

    if isinstance(body, JobSpec):
        for command in body.commands:
            yield "runs", _shown(f"{command.executable} {command.arguments}".rstrip())
        yield "job", ", ".join(_job(body))
    elif isinstance(body, CommunityBody):
        yield from _community_rows(body)
    else:
        for operation in body.operations:
            words = _words(operation.attributes.items())
            yield "operation", f"{operation.type}{': ' if words else ''}{words}"


def _job(body: JobSpec) -> Iterator[str]:
    yield f"CPU time {body.cpu_time:,} s"
    if body.processors > 1:
        yield f"{body.processors} processors"
    if body.priority != 1:
        yield f"priority {body.priority}"
    for what, values in (("site", body.sites), ("tag", body.tags)):
        if values:
            yield f"{what}{'s' * (len(values) > 1)} {', '.join(values)}"
    if body.platform:
        yield f"platform {body.platform}"
    if body.input_data_policy != "Download":
        yield f"input data by {body.input_data_policy}"
    if body.sandbox:
        yield f"with {', '.join(body.sandbox)}"
    if body.environment:
        yield f"environment {_words(body.environment.items())}"


def _shown(line: str) -> str:
    """Return a command line; what is longer than people read is cut: ``in_full`` has all of it."""
    if len(line) <= _LONGEST_LINE:
        return line
    return f"{line[:_LONGEST_LINE]}… ({len(line):,} characters)"


def _community_rows(body: CommunityBody) -> Iterator[tuple[str, str]]:
    from dirac_prodsys.core.community import community_of

    community = community_of(body.kind)
    rows: Iterable[tuple[str, str | Iterable[tuple[str, Any]]]]
    rows = (("runs", f"{community.words}'s {body.job_class}"), ("settings", body.settings))
    if community.plan_rows:
        rows = community.offered(community.plan_rows)(body)
    for label, value in rows:
        yield label, value if isinstance(value, str) else _words(value)
    if body.file_metadata:
        yield "file metadata", _words(body.file_metadata)
    if body.unresolved:
        yield "waits to know", f"the query of {', '.join(body.unresolved)}"


def _output_rows(step: StepPlan) -> Iterator[tuple[str, str]]:
    from dirac_prodsys.core.grid.specs import JobSpec

    spec = step.transformation
    paths = [directory.path for directory in spec.directories]
    lowest = [path for path in paths if not any(p.startswith(f"{path}/") for p in paths)]
    for path in lowest:
        yield "output directory", path
    for output in spec.body.outputs if isinstance(spec.body, JobSpec) else ():
        where = "" if lowest == [output.directory] else f"{output.directory}/"
        yield "output files", f"{where}{output.name} on {output.se}"
        if turns := [_words(each.items()) for each in output.metadata]:
            yield f"file metadata{', by turns' if len(turns) > 1 else ''}", "; ".join(turns)
    if spec.output_query is not None:
        yield "output metadata", query_words(spec.output_query)
    if step.transient:
        yield "transient", "the output is removed when all steps that take it are complete"


def _dataset(dataset: DatasetSpec, output: MetaQuery | None) -> str:
    parts = [dataset.name, "frozen" if dataset.freeze else "not frozen"]
    if dataset.expect_files is not None:
        parts.append(f"exactly {counted(dataset.expect_files, 'file')}")
    if dataset.min_files is not None:
        parts.append(f"at least {counted(dataset.min_files, 'file')}")
    if dataset.max_files is not None:
        parts.append(f"at most {counted(dataset.max_files, 'file')}")
    holds = "the output" if dataset.query == output else query_words(dataset.query)
    return f"{', '.join(parts)}: {holds}"


def _gate_rows(step: StepPlan) -> Iterator[tuple[str, str]]:
    for gate in step.gates:
        within = "" if gate.within is None else f" (fails after {gate.hours})"
        yield "waits for", f"{gate.text}{within}"
    if step.approval is not None:
        yield "asks", asked(step.approval)


def _words(pairs: Iterable[tuple[str, Any]]) -> str:
    return ", ".join(f"{name} = {_value(value)}" for name, value in pairs)


def _value(value: Any) -> str:
    """Return a value, quoted if it looks like a number or like several values."""
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_value, value))})"
    if isinstance(value, Mapping):
        return f"({_words(value.items())})"
    if not isinstance(value, str):
        return json.dumps(value)
    if value.startswith("{"):  # a file of settings that is sent as text
        try:
            return _value(json.loads(value))
        except ValueError:
            pass
    plain = _PLAIN.fullmatch(value) and not _NUMBER.fullmatch(value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
