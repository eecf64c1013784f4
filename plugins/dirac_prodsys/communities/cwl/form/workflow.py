"""Maps a workflow to a production: which step is which transformation, and what DIRAC cannot do.

A step becomes a transformation, and its process what each of its jobs runs. Between two jobs there
are only files of the catalogue, and a task has one list of them. So files that flow along one link
of a step are its input; one known file of another step is waited for, and comes beside. The rest
has no meaning between jobs, and is refused with the way out: inside one job all of CWL is legal.

Invariant: a workflow is mapped whole, or each step that cannot be is named, at its place, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from dirac_prodsys.communities.cwl.document.process import CwlStep, Link, Process, hints_of
from dirac_prodsys.communities.cwl.document.references import WRONG
from dirac_prodsys.communities.cwl.document.types import fits
from dirac_prodsys.communities.cwl.form.drafts import Draft, takers
from dirac_prodsys.communities.cwl.form.expressions import NotEvaluated, evaluate
from dirac_prodsys.communities.cwl.form.files import check_counts, check_files
from dirac_prodsys.communities.cwl.form.hints import PRODUCTION, TRANSFORMATION, Hints, read_hints
from dirac_prodsys.communities.cwl.form.links import (
    BETWEEN,
    ONE_JOB,
    Refused,
    holds,
    refuse,
    value_of,
    with_expression,
)
from dirac_prodsys.communities.cwl.form.scattering import rows_of
from dirac_prodsys.communities.cwl.form.values import Asked, Known, Listed, Lost, Made, Value
from dirac_prodsys.communities.cwl.form.wrapping import process_of_job
from dirac_prodsys.communities.cwl.job.job_type import FILES
from dirac_prodsys.core.language.located import Located, Mistakes

#: files that every job of a step gets beside those of its task
MOST_BESIDE = 20
#: steps that one is mapped to, for values that it is scattered over beside its files
MOST_STEPS = 100


class Mapper:
    """Maps the steps of one workflow, and of those inside it that are productions too.

    :param namespaces: of the whole document.
    :param below: directory of all outputs, as the native form writes it.
    """

    def __init__(self, mistakes: Mistakes, below: str, namespaces: Located | None) -> None:
        self.mistakes = mistakes
        self.namespaces = namespaces
        self.below = below
        self.drafts: dict[str, Draft] = {}
        #: step (empty: the workflow) and words of what is not read
        self.unknown: list[tuple[str, str]] = []

    def map(
        self, process: Process, inputs: Mapping[str, Value], prefix: str = ""
    ) -> dict[str, Value]:
        """Map the steps; return the values of all sources of the workflow."""
        around: dict[str, Value] = dict(inputs)
        library = _library(process)
        for step in self._in_order(process):
            name = f"{prefix}{step.name}"
            sources = (s.text for link in step.links.values() for s in link.sources)
            if any(isinstance(around[source], Lost) for source in sources):
                around |= {f"{step.name}/{port}": Lost(step.where) for port in step.outputs}
                continue
            try:
                made = self._step(name, step, around, process, library)
            except Refused:
                # one finding for a step, and none for those that follow from it
                made = {port: Lost(step.where) for port in step.outputs}
            around |= {f"{step.name}/{port}": value for port, value in made.items()}
        return around

    def results(
        self, process: Process, around: Mapping[str, Value]
    ) -> Iterator[tuple[Link, Value]]:
        """Yield the value of each output of the workflow."""
        for link in process.results.values():
            if any(isinstance(around[source.text], Lost) for source in link.sources):
                continue
            try:
                yield link, value_of(link, around, f"output {link.name!r}", self.mistakes)
            except Refused:
                continue

    def _in_order(self, process: Process) -> list[CwlStep]:
        graph = {
            name: [s.step for link in step.links.values() for s in link.sources if s.step]
            for name, step in process.steps.items()
        }
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            way = " → ".join(reversed(error.args[1]))
            first = process.steps[error.args[1][0]]
            refuse(self.mistakes, first.where, f"these steps wait for each other: {way}", "cut it")
            return []
        return [process.steps[name] for name in order if name in process.steps]

    def _step(
        self,
        name: str,
        step: CwlStep,
        around: Mapping[str, Value],
        outer: Process,
        library: tuple[str, ...],
    ) -> dict[str, Value]:
        words = f"step {name!r}"
        mistakes = self.mistakes
        for port in step.unfed[:1]:
            reason = f"{words} gives nothing to its input {port[:80]!r}"
            raise refuse(mistakes, step.where, reason, f"write in: {{{port[:80]}: source}}", WRONG)
        arrived = {
            port: value_of(link, around, f"input {port!r} of {words}", mistakes)
            for port, link in step.links.items()
        }
        hints = read_hints(step.where).over(read_hints(step.run.where))
        self.unknown.extend((name, words) for _, words in hints.unknown)
        values: dict[str, Value] = {}
        left: list[str] = []
        for port, value in arrived.items():
            link = step.links[port]
            if port in step.scatter and link.value_from is not None:
                left.append(port)
                values[port] = value
                continue
            found = with_expression(link, value, arrived, library)
            if found is None:
                left.append(port)
            values[port] = value if found is None else found
        if step.when is not None and not holds(step.when, values, library, words, mistakes):
            return {port: Known(None, step.where) for port in step.outputs}
        if step.run.kind == "ExpressionTool":
            return self._evaluated(words, step, values, library)
        if step.run.kind == "Operation":
            reason = f"{words} runs an Operation, which is nothing that can be run"
            raise refuse(mistakes, step.where, reason, "write what it runs")
        if _is_production(step.run, hints):
            return self._inside(name, step, values)
        return self._transformation(name, step, values, left, hints, outer)

    def _evaluated(
        self, words: str, step: CwlStep, values: Mapping[str, Value], library: tuple[str, ...]
    ) -> dict[str, Value]:
        for port, value in values.items():
            if isinstance(value, Made | Listed):
                reason = f"{words} is an expression over files ({port!r}): no job runs it"
                hint = f"let a DIRAC plugin group the files (plugin: …), or {ONE_JOB}"
                raise refuse(self.mistakes, step.where, reason, hint)
        known = {port: value.value for port, value in values.items() if isinstance(value, Known)}
        for port, own in step.run.inputs.items():
            if known.get(port) is None and own.default is not None:
                known[port] = own.default.plain()
        library = (*library, *_library(step.run))
        if not step.scatter:
            made = self._outcome(words, step, known, library)
            return {port: Known(made.get(port), step.where) for port in step.outputs}
        if step.method == "nested_crossproduct":
            raise refuse(self.mistakes, step.where, f"{words} nests its values", ONE_JOB)
        rows = rows_of(words, step, step.scatter, values, self.mistakes)
        each = [
            self._outcome(
                words, step, {**known, **dict(zip(step.scatter, row, strict=True))}, library
            )
            for row in rows
        ]
        return {p: Known([one.get(p) for one in each], step.where) for p in step.outputs}

    def _outcome(
        self, words: str, step: CwlStep, known: Mapping[str, Any], library: tuple[str, ...]
    ) -> Mapping[str, Any]:
        text = str(step.run.where.value["expression"].value)
        try:
            made = evaluate(text, known, None, library)
        except NotEvaluated as error:
            reason = f"{words} cannot be evaluated: {error.reason}"
            hint = "install Node, or give its result as an input"
            raise refuse(self.mistakes, step.where, reason, hint) from None
        if not isinstance(made, Mapping):
            raise refuse(self.mistakes, step.where, f"{words} makes no mapping of outputs", ONE_JOB)
        return made

    def _inside(self, name: str, step: CwlStep, values: Mapping[str, Value]) -> dict[str, Value]:
        """Map a workflow that is a production within this one."""
        if step.scatter:
            reason = f"step {name!r} scatters a production"
            raise refuse(self.mistakes, step.where, reason, "scatter its steps")
        inputs: dict[str, Value] = {}
        for port, own in step.run.inputs.items():
            value = values.get(port, Known(None, step.where))
            if isinstance(value, Known) and value.value is None and own.default is not None:
                value = Known(own.default.plain(), own.default)
            inputs[port] = value
        around = self.map(step.run, inputs, f"{name}.")
        found = {link.name: value for link, value in self.results(step.run, around)}
        return {port: found.get(port, Known(None, step.where)) for port in step.outputs}

    def _transformation(
        self,
        name: str,
        step: CwlStep,
        values: Mapping[str, Value],
        left: list[str],
        hints: Hints,
        outer: Process,
    ) -> dict[str, Value]:
        words = f"step {name!r}"
        source, port = self._source(name, step, values)
        check_counts(words, step, hints, self.mistakes)
        over = [key for key in step.scatter if key != port]
        if port and over:
            return self._for_each(name, step, values, left, hints, outer, port)
        inputs: dict[str, Any] = {}
        waits: list[str] = []
        for key, value in values.items():
            if key == port:
                inputs[key] = FILES
            elif isinstance(value, Made):
                lfn = self._known_file(value, words, key, step)
                inputs[key] = lfn
                waits.append(lfn)
            elif isinstance(value, Listed):
                inputs[key] = value.for_each
            elif isinstance(value, Asked):
                inputs[key] = f"${{{{ parameters.{value.parameter} }}}}"
            elif isinstance(value, Known) and value.value is not None:
                self._check(words, step, key, value, left)
                inputs[key] = value.value
        count, inputs = self._scattered(words, step, values, inputs, over)
        group = self._group_size(step, port, source, hints)
        tasks = hints.step.get("tasks")
        whole = process_of_job(step, outer, values, left, port, self.namespaces)
        draft = Draft(
            name=name,
            step=step,
            hints=hints,
            job={"type": "cwl", "file": _file(step, self.mistakes, name), "inputs": inputs},
            source=source,
            group_size=group,
            tasks=tasks.value if tasks is not None and isinstance(tasks.value, int) else count,
            whole=whole,
            waits=waits,
            waits_for=sorted(
                {v.by[0][0] for k, v in values.items() if isinstance(v, Made) and k != port}
            ),
        )
        self.drafts[name] = draft
        return self._outputs(name, step)

    def _for_each(
        self,
        name: str,
        step: CwlStep,
        values: Mapping[str, Value],
        left: list[str],
        hints: Hints,
        outer: Process,
        port: str,
    ) -> dict[str, Value]:
        """Map a step that takes files, and is scattered over values: one for each of them.

        Each takes all the files. A file of its own for each value is nothing that a catalogue can
        do, which knows no order of files.
        """
        words, scatter = f"step {name!r}", step.where.value["scatter"]
        over = [key for key in step.scatter if key != port]
        if step.method == "nested_crossproduct":
            raise refuse(self.mistakes, scatter, f"{words} nests its outputs: no catalogue can")
        if port in step.scatter and step.method != "flat_crossproduct":
            reason = f"{words} pairs each file with a value ({', '.join(over)}), and files come in "
            hint = f"write scatterMethod: flat_crossproduct, or {ONE_JOB}"
            raise refuse(self.mistakes, scatter, f"{reason}no order", hint)
        rows = rows_of(words, step, over, values, self.mistakes)
        if len(rows) > MOST_STEPS:
            reason = f"{words} takes files, and has {len(rows):,} values: a step for each of them"
            raise refuse(self.mistakes, scatter, reason, f"give it {MOST_STEPS} at most")
        alone = replace(step, scatter=tuple(key for key in step.scatter if key == port), method="")
        found: dict[str, Value] = {}
        for number, row in enumerate(rows, 1):
            own = {key: Known(v, values[key].where) for key, v in zip(over, row, strict=True)}
            made = self._transformation(
                f"{name}.{number}", alone, {**values, **own}, left, hints, outer
            )
            for out, value in made.items():
                before = found.get(out)
                by = before.by if isinstance(before, Made) else ()
                depth = step.run.outputs[out].type.depth + 1
                if isinstance(value, Made):
                    found[out] = Made((*by, *value.by), depth, step.where)
        return found

    def _outputs(self, name: str, step: CwlStep) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for port in step.outputs:
            kind = step.run.outputs[port].type
            depth = kind.depth + (
                len(step.scatter) if step.method == "nested_crossproduct" else bool(step.scatter)
            )
            found[port] = Made(((name, port),), depth, step.where)
        return found

    # -- files --

    def _source(
        self, name: str, step: CwlStep, values: Mapping[str, Value]
    ) -> tuple[Made | Listed | None, str]:
        """Return the files of the step's tasks, and the input that they go to."""
        files = {k: v for k, v in values.items() if isinstance(v, Made | Listed)}
        if not files:
            return None, ""
        for key, value in files.items():
            check_files(name, step, key, value, self.drafts, self.mistakes)
        many = [k for k, v in files.items() if not self._is_one(k, v, step)]
        if len(many) > 1:
            other = files[many[1]]
            what = ", ".join(map(repr, many))
            whose = sorted({s for k in many if isinstance(v := files[k], Made) for s, _ in v.by})
            reason = (
                f"step {name!r} takes files side by side ({what}"
                f"{', of ' + ' and '.join(whose) if whose else ''}), and a task has one list"
            )
            if isinstance(other, Made) or whose:
                raise refuse(self.mistakes, step.links[many[1]].where, reason)
            raise refuse(
                self.mistakes,
                step.links[many[1]].where,
                reason,
                f"give all but one of these inputs as one file, LFN:/…, or {ONE_JOB}",
            )
        if not many and step.scatter:  # each task has its values, and all have these files
            return None, ""
        port = many[0] if many else next(iter(files))
        return files[port], port

    def _is_one(self, key: str, value: Made | Listed, step: CwlStep) -> bool:
        """Whether a value is files that every job can get, as their names are known before."""
        if key in step.scatter:
            return False
        if isinstance(value, Listed):
            return 0 < len(value.lfns) <= MOST_BESIDE
        return not value.depth and len(value.by) == 1 and self.drafts[value.by[0][0]].makes_one

    def _known_file(self, value: Made, words: str, key: str, step: CwlStep) -> str:
        ((parent, port),) = value.by
        draft = self.drafts[parent]
        draft.fixed.add(port)
        if port not in draft.uploads:
            draft.uploads.append(port)
        return draft.lfn(port, self.below)

    def _group_size(
        self, step: CwlStep, port: str, source: Made | Listed | None, hints: Hints
    ) -> int:
        """Return the files of a task; 0: all."""
        if not port:
            return 0
        own = step.run.inputs.get(port)
        many = own is not None and own.type.base == "union" and bool(source and source.depth)
        if port in step.scatter or own is None or not (own.type.depth or many):
            return 1
        given = hints.step.get("group_size")
        return given.value if given is not None and isinstance(given.value, int) else 0

    # -- values --

    def _check(self, words: str, step: CwlStep, key: str, value: Known, left: list[str]) -> None:
        port = step.run.inputs.get(key)
        if port is None or key in step.scatter or key in left or fits(value.value, port.type):
            return
        reason = (
            f"{words}: {str(value.value)[:80]!r} is no {port.type.words()}, as input {key!r} is"
        )
        raise refuse(self.mistakes, value.where, reason, "write a value of that type")

    def _scattered(
        self,
        words: str,
        step: CwlStep,
        values: Mapping[str, Value],
        inputs: dict[str, Any],
        over: list[str],
    ) -> tuple[int, dict[str, Any]]:
        """Return the number of tasks, and the inputs with a value for each task."""
        if not over:
            return 1, inputs
        if step.method == "nested_crossproduct":
            reason = f"{words} nests its outputs, which a catalogue cannot"
            hint = "write scatterMethod: flat_crossproduct"
            raise refuse(self.mistakes, step.where.value["scatterMethod"], reason, hint)
        rows = rows_of(words, step, over, values, self.mistakes)
        columns = zip(*rows, strict=True)
        each = {key: {"each": list(column)} for key, column in zip(over, columns, strict=True)}
        return len(rows), {**inputs, **each}

    def finish(self, process: Process, around: Mapping[str, Value]) -> None:
        """Mark what is uploaded, and which outputs of steps are those of the workflow."""
        for link, value in self.results(process, around):
            if isinstance(value, Made):
                for name, port in value.by:
                    draft = self.drafts[name]
                    if not draft.step.run.outputs[port].type.is_file:
                        self.unknown.append((name, f"output {link.name!r}, which is no file"))
                        continue
                    if port not in draft.uploads:
                        draft.uploads.append(port)
                    if port not in draft.result:
                        draft.result.append(port)
        takers(self.drafts.values())
        for draft in self.drafts.values():
            self._check_labels(draft)

    def _check_labels(self, draft: Draft) -> None:
        """Refuse a union that would take more than it names."""
        if not isinstance(draft.source, Made):
            return
        wanted = {port for _, port in draft.source.by}
        for parent in {step for step, _ in draft.source.by}:
            taken = {port for step, port in draft.source.by if step == parent}
            if wanted & set(self.drafts[parent].uploads) > taken:
                reason = (
                    f"step {draft.name!r} takes one output of {parent!r}, and others by that name"
                )
                self.mistakes.add(
                    draft.step.where, reason, "name the outputs differently", code=BETWEEN
                )


def _is_production(process: Process, hints: Hints) -> bool:
    if process.kind != "Workflow":
        return False
    if PRODUCTION in hints.levels:
        return True
    inner = (s.where for s in process.steps.values())
    runs = (s.run.where for s in process.steps.values())
    return any(TRANSFORMATION in read_hints(where).levels for where in (*inner, *runs))


def _library(process: Process) -> tuple[str, ...]:
    found = hints_of(process.where, "requirements").get("InlineJavascriptRequirement")
    lines = found.get("expressionLib") if found is not None else None
    entries = lines.value if lines is not None and isinstance(lines.value, tuple) else ()
    return tuple(entry.value for entry in entries if isinstance(entry.value, str))


def _file(step: CwlStep, mistakes: Mistakes, name: str) -> str:
    source = step.run.where.node.source or mistakes.source
    file = source.file.rpartition("/")[2]
    own = step.where.node.source or mistakes.source
    return f"{file}#{name}" if source is own else file
