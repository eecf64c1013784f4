"""Views a process of CWL as values: ports, steps, requirements and hints, whatever short form.

Invariant: a view is made of a correct tree or not at all: what is missing or of another form is
noted at its place, and code that maps a process need not look for it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.communities.cwl.document.references import WRONG
from dirac_prodsys.communities.cwl.document.types import CwlType, read_type
from dirac_prodsys.core.language.located import Located, Mistakes
from dirac_prodsys.core.problems import nearest

CLASSES = ("CommandLineTool", "ExpressionTool", "Workflow", "Operation")
_PROCESS = frozenset(
    {
        "id",
        "label",
        "doc",
        "inputs",
        "outputs",
        "requirements",
        "hints",
        "cwlVersion",
        "intent",
        "class",
    }
)
#: fields by class; those with a colon or a ``$`` are somebody's own
FIELDS: Mapping[str, frozenset[str]] = {
    "CommandLineTool": _PROCESS
    | {
        "baseCommand",
        "arguments",
        "stdin",
        "stderr",
        "stdout",
        "successCodes",
        "temporaryFailCodes",
        "permanentFailCodes",
    },
    "ExpressionTool": _PROCESS | {"expression"},
    "Workflow": _PROCESS | {"steps"},
    "Operation": _PROCESS,
}
_PORT = frozenset(
    {
        "id",
        "label",
        "doc",
        "type",
        "secondaryFiles",
        "streamable",
        "format",
    }
)
INPUT = _PORT | {"loadContents", "loadListing", "default", "inputBinding"}
OUTPUT = _PORT | {"outputBinding", "outputSource", "linkMerge", "pickValue"}
STEP = frozenset(
    {
        "id",
        "in",
        "out",
        "run",
        "label",
        "doc",
        "requirements",
        "hints",
        "scatter",
        "scatterMethod",
        "when",
    }
)
STEP_INPUT = frozenset(
    {
        "id",
        "label",
        "source",
        "linkMerge",
        "pickValue",
        "loadContents",
        "loadListing",
        "default",
        "valueFrom",
    }
)
LINK_MERGE = ("merge_nested", "merge_flattened")
PICK_VALUE = ("first_non_null", "the_only_non_null", "all_non_null")
SCATTER_METHOD = ("dotproduct", "nested_crossproduct", "flat_crossproduct")
#: requirements of the specification
REQUIREMENTS = frozenset(
    {
        "InlineJavascriptRequirement",
        "SchemaDefRequirement",
        "LoadListingRequirement",
        "DockerRequirement",
        "SoftwareRequirement",
        "InitialWorkDirRequirement",
        "EnvVarRequirement",
        "ShellCommandRequirement",
        "ResourceRequirement",
        "WorkReuse",
        "NetworkAccess",
        "InplaceUpdateRequirement",
        "ToolTimeLimit",
        "SubworkflowFeatureRequirement",
        "ScatterFeatureRequirement",
        "MultipleInputFeatureRequirement",
        "StepInputExpressionRequirement",
    }
)


@dataclass(frozen=True)
class Port:
    """An input or output of a process.

    :param where: as written.
    """

    name: str
    type: CwlType
    where: Located
    default: Located | None = None

    @property
    def secondary(self) -> Located | None:
        """Return the files that it says go with each file."""
        return self.where.get("secondaryFiles")


@dataclass(frozen=True)
class Source:
    """One source of a link: ``step/port``, or the name of an input of the workflow."""

    text: str
    where: Located

    @property
    def step(self) -> str:
        """Return the step; empty: it is an input of the workflow."""
        return self.text.rpartition("/")[0]

    @property
    def port(self) -> str:
        """Return the port."""
        return self.text.rpartition("/")[2]


@dataclass(frozen=True)
class Link:
    """What flows into an input of a step, or into an output of a workflow."""

    name: str
    where: Located
    sources: tuple[Source, ...]
    merge: str = ""
    pick: str = ""
    default: Located | None = None
    value_from: Located | None = None


@dataclass(frozen=True)
class CwlStep:
    """A step of a workflow."""

    name: str
    where: Located
    run: Process
    links: Mapping[str, Link]
    outputs: tuple[str, ...]
    scatter: tuple[str, ...] = ()
    method: str = ""

    @property
    def when(self) -> Located | None:
        """Return the condition under which it runs."""
        return self.where.get("when")

    @property
    def unfed(self) -> tuple[str, ...]:
        """Return the inputs that need a value and get none: it can run only if it is skipped."""
        return tuple(
            name
            for name, port in self.run.inputs.items()
            if name not in self.links and port.default is None and not port.type.optional
        )


@dataclass(frozen=True)
class Process:
    """A process; of a workflow, its steps and what flows into its outputs as well."""

    kind: str
    where: Located
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    steps: Mapping[str, CwlStep] = field(default_factory=dict)
    results: Mapping[str, Link] = field(default_factory=dict)

    def hint(self, name: str) -> Located | None:
        """Return the hint or requirement of that class."""
        return hints_of(self.where, "requirements").get(name) or hints_of(self.where).get(name)


def hints_of(where: Located, key: str = "hints") -> dict[str, Located]:
    """Return hints, or requirements, by their class."""
    found = where.get(key)
    if found is None:
        return {}
    if isinstance(found.value, dict):
        return dict(found.items())
    entries = found.value if isinstance(found.value, tuple) else ()
    return {name: e.drop("class") for e in entries if (name := e.text("class")) is not None}


def view(tree: Located, mistakes: Mistakes) -> Process | None:
    """Return the process of a whole tree; None, with mistakes noted, if it is wrong."""
    before = len(mistakes.found)
    process = _Viewer(mistakes, frozenset(_declared(tree, False))).process(tree)
    return process if len(mistakes.found) == before else None


class _Viewer:
    def __init__(self, mistakes: Mistakes, named: frozenset[str]) -> None:
        self.mistakes = mistakes
        self.named = named
        #: inputs and steps of the workflow that is being viewed
        self.here: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    def wrong(self, where: Located, reason: str, hint: str, *, on_key: bool = False) -> None:
        self.mistakes.add(where, reason, hint, on_key=on_key, code=WRONG)

    def process(self, tree: Located) -> Process | None:
        named = tree.get("class")
        kind = named.value if named is not None else None
        if kind not in CLASSES:
            if named is None:
                self.wrong(tree, "the process has no class", f"write one of {', '.join(CLASSES)}")
            else:
                self.wrong(
                    named, f"there is no class {str(kind)[:80]!r}", nearest(str(kind), CLASSES)
                )
            return None
        self.fields(tree, FIELDS[kind], ("inputs", "outputs"))
        inputs = self.ports(tree, "inputs", INPUT)
        outputs = self.ports(tree, "outputs", OUTPUT)
        self.hints(tree)
        self.commands(tree)
        if kind == "ExpressionTool" and tree.text("expression") is None:
            self.wrong(tree, "an ExpressionTool has an expression", "write expression: $(…)")
        if kind != "Workflow":
            return Process(str(kind), tree, inputs, outputs)
        steps: dict[str, CwlStep] = {}
        around, self.here = self.here, (frozenset(inputs), frozenset(_names(tree, "steps")))
        if tree.get("steps") is None:
            self.wrong(tree, "the workflow has no steps", "write steps: {name: {run, in, out}}")
        for name, entry in self.entries(tree, "steps", "id", ""):
            step = self.step(name, entry)
            if step is not None:
                steps[name] = step
        results = {n: self.link(n, p.where, "outputSource") for n, p in outputs.items()}
        self.here = around
        return Process(
            "Workflow", tree, inputs, outputs, steps, self.linked(inputs, steps, results)
        )

    def commands(self, tree: Located) -> None:
        command = tree.get("baseCommand")
        if command is not None:
            words = command.value if isinstance(command.value, tuple) else (command,)
            for word in words:
                if not isinstance(word.value, str):
                    self.wrong(word, "baseCommand is a word, or a list of words", "quote it")
        arguments = tree.get("arguments")
        if arguments is not None and not isinstance(arguments.value, tuple):
            self.wrong(arguments, "arguments are a list", "write arguments: [a, b]")

    def fields(self, tree: Located, known: frozenset[str], needed: tuple[str, ...] = ()) -> None:
        for key, entry in tree.items():
            if key not in known and ":" not in key and not key.startswith("$"):
                self.wrong(entry, f"unknown field {key[:80]!r}", nearest(key, known), on_key=True)
        for key in needed:
            if tree.get(key) is None:
                self.wrong(tree, f"there is no {key}", f"write {key}: [] if it has none")

    def entries(
        self, tree: Located, key: str, identifier: str, short: str
    ) -> Iterator[tuple[str, Located]]:
        """Yield entries of a list, or of a mapping, by their identifier.

        :param short: the field that an entry stands for if it is no mapping.
        """
        held = tree.get(key)
        if held is None or held.value is None:
            return
        if isinstance(held.value, dict):
            for name, entry in held.items():
                whole = isinstance(entry.value, dict)
                if not whole and not short:
                    self.wrong(entry, f"{name[:80]!r} is no mapping", "write its fields")
                    continue
                made = entry if whole else Located({short: entry}, entry.node)
                if (
                    short == "type"
                    and whole
                    and "type" not in entry.value
                    and not (entry.value.keys() & {"inputBinding", "outputBinding", "outputSource"})
                ):
                    self.wrong(entry, f"{name[:80]!r} has no type", "write type: File")
                yield name, made
            return
        if not isinstance(held.value, tuple):
            self.wrong(held, f"{key} is a mapping or a list", f"write {key}: {{}}")
            return
        seen: set[str] = set()
        for entry in held.value:
            name = entry.text(identifier)
            if name is None and isinstance(entry.value, str) and short == "source":
                name, entry = entry.value.rpartition("/")[2], Located({short: entry}, entry.node)
            if name is None:
                self.wrong(
                    entry, f"an entry of {key} has no {identifier}", f"write {identifier}: …"
                )
                continue
            name = name.rpartition("#")[2].rpartition("/")[2]
            if name in seen:
                self.wrong(entry, f"{name[:80]!r} is there twice", "give one another name")
                continue
            seen.add(name)
            yield name, entry

    def ports(self, tree: Located, key: str, known: frozenset[str]) -> dict[str, Port]:
        found: dict[str, Port] = {}
        for name, entry in self.entries(tree, key, "id", "type"):
            written = entry.get("type")
            kind = read_type(_merged(entry), self.named) if written is not None else None
            self.fields(entry, known | {"items", "symbols", "fields", "name"})
            if kind is None:
                place = written if written is not None else entry
                words = str(place.plain())[:80]
                reason = (
                    f"{name[:80]!r} has no type" if written is None else f"no type is {words!r}"
                )
                self.wrong(place, reason, "write File, string, int, …, with [] and ?")
                continue
            found[name] = Port(name, kind, entry, entry.get("default"))
        return found

    def hints(self, tree: Located) -> None:
        for key in ("requirements", "hints"):
            held = tree.get(key)
            if held is None or held.value is None:
                continue
            if not isinstance(held.value, dict | tuple):
                self.wrong(held, f"{key} is a mapping or a list", f"write {key}: {{}}")
                continue
            if isinstance(held.value, tuple):
                for entry in held.value:
                    if entry.text("class") is None:
                        self.wrong(entry, f"an entry of {key} has no class", "write class: …")
            for name, entry in hints_of(tree, key).items():
                if key == "requirements" and name not in REQUIREMENTS and ":" not in name:
                    reason = f"there is no requirement {name[:80]!r}"
                    self.wrong(entry, reason, nearest(name, REQUIREMENTS), on_key=True)

    def step(self, name: str, tree: Located) -> CwlStep | None:
        self.fields(tree, STEP, ("run", "in", "out"))
        run = tree.get("run")
        process = self.process(run) if run is not None and isinstance(run.value, dict) else None
        if process is None:
            return None
        self.hints(tree)
        links = {}
        for key, entry in self.entries(tree, "in", "id", "source"):
            self.fields(entry, STEP_INPUT)
            links[key] = self.link(key, entry, "source")
        outputs: list[str] = []
        held = tree.get("out")
        for entry in held.value if held is not None and isinstance(held.value, tuple) else ():
            port = entry.value if isinstance(entry.value, str) else entry.text("id")
            port = str(port).rpartition("/")[2]
            if port not in process.outputs:
                hint = nearest(port, process.outputs)
                self.wrong(entry, f"what step {name[:80]!r} runs has no output {port[:80]!r}", hint)
            outputs.append(port)
        scatter, method = self.scatter(tree, links)
        return CwlStep(name, tree, process, links, tuple(outputs), scatter, method)

    def scatter(self, tree: Located, links: Mapping[str, Link]) -> tuple[tuple[str, ...], str]:
        held, chosen = tree.get("scatter"), tree.get("scatterMethod")
        method = str(chosen.value) if chosen is not None else ""
        if chosen is not None and method not in SCATTER_METHOD:
            self.wrong(chosen, f"no way to scatter is {method[:80]!r}", f"use {SCATTER_METHOD}")
        if held is None:
            return (), method
        named = held.value if isinstance(held.value, tuple) else (held,)
        found = []
        for entry in named:
            port = str(entry.value).rpartition("/")[2]
            if port not in links:
                reason = f"it scatters over {port[:80]!r}, which is no input of the step"
                self.wrong(entry, reason, nearest(port, links))
            found.append(port)
        if len(found) > 1 and not method:
            self.wrong(held, "several inputs are scattered", "write scatterMethod: dotproduct")
        return tuple(found), method

    def link(self, name: str, entry: Located, key: str) -> Link:
        held = entry.get(key)
        sources: list[Source] = []
        if held is not None and held.value is not None:
            for source in held.value if isinstance(held.value, tuple) else (held,):
                if not isinstance(source.value, str):
                    self.wrong(source, f"{key} is a name, or a list of names", "write step/output")
                    continue
                sources.append(Source(self.local(source.value), source))
        merge, pick = entry.get("linkMerge"), entry.get("pickValue")
        for given, known in ((merge, LINK_MERGE), (pick, PICK_VALUE)):
            if given is not None and given.value not in known:
                self.wrong(given, f"unknown word {str(given.value)[:80]!r}", f"use {known}")
        return Link(
            name,
            entry,
            tuple(sources),
            str(merge.value) if merge is not None else "",
            str(pick.value) if pick is not None else "",
            entry.get("default"),
            entry.get("valueFrom"),
        )

    def local(self, name: str) -> str:
        """Return the name of a source within its workflow: ``#main/step/port`` is ``step/port``."""
        inputs, steps = self.here
        parts = name.rpartition("#")[2].split("/")
        while len(parts) > 1 and (parts[0] not in steps or len(parts) > 2):
            parts = parts[1:]
        text = "/".join(parts)
        return text if text in inputs or len(parts) > 1 else name.rpartition("#")[2]

    def linked(
        self,
        inputs: Mapping[str, Port],
        steps: Mapping[str, CwlStep],
        results: Mapping[str, Link],
    ) -> Mapping[str, Link]:
        """Note sources that do not exist."""
        known = {*inputs, *(f"{s.name}/{port}" for s in steps.values() for port in s.outputs)}
        links = [*(link for s in steps.values() for link in s.links.values()), *results.values()]
        for link in links:
            for source in link.sources:
                if source.text not in known:
                    reason = f"there is no source {source.text[:80]!r}"
                    self.wrong(source.where, reason, nearest(source.text, known))
        return results


def _declared(tree: Located, inside: bool) -> Iterator[str]:
    """Yield the names of types that a process declares."""
    if isinstance(tree.value, tuple):
        for entry in tree.value:
            yield from _declared(entry, inside)
        return
    inside = inside or tree.text("class") == "SchemaDefRequirement"
    if inside and (name := tree.text("name")):
        yield name.rpartition("#")[2].rpartition("/")[2]
    for key, entry in tree.items():
        yield from _declared(entry, inside or key == "SchemaDefRequirement")


def _names(tree: Located, key: str) -> Iterator[str]:
    """Yield the identifiers of entries, as far as they have one."""
    held = tree.get(key)
    if held is None:
        return
    if isinstance(held.value, dict):
        yield from held.value
    for entry in held.value if isinstance(held.value, tuple) else ():
        yield (entry.text("id") or "").rpartition("#")[2].rpartition("/")[2]


def _merged(entry: Located) -> Any:
    """Return the written type; ``items`` and ``symbols`` may stand beside ``type``."""
    data = entry.plain()
    kind = data.get("type")
    beside = {key: data[key] for key in ("items", "symbols", "fields") if key in data}
    return {"type": kind, **beside} if beside and kind in ("array", "enum", "record") else kind
