"""Defines the job type ``cwl``: one process of CWL, run on the worker by the site's ``cwltool``.

In ``inputs``, ``@{InputData}`` stands for the files of the task and ``@{JOB_ID}`` for its number;
``LFN:/…`` is a file that every job gets; ``{each: [a, b]}`` gives the first task ``a``, the second
``b``, and so on. ``outputs`` names the file in which each output is uploaded.

Invariant: a job that passes fits its process: each input that needs a value has one of its type,
and each output that is named is a file.
"""

from __future__ import annotations

import base64
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Literal

from pydantic import Field, StrictInt, StrictStr

from dirac_prodsys.communities.cwl.document import packing
from dirac_prodsys.communities.cwl.document.types import AnyName, CwlType, fits, read_type
from dirac_prodsys.communities.cwl.job.loading import packed as _packed
from dirac_prodsys.core import limits
from dirac_prodsys.core.grid import task_values
from dirac_prodsys.core.grid.specs import Command, JobSpec
from dirac_prodsys.core.job_types import JobAttributes, JobContext, JobType
from dirac_prodsys.core.job_types.script import (
    Environment,
    Line,
    Platform,
    SetupScript,
    Site,
    Tag,
    Word,
)
from dirac_prodsys.core.models import Text
from dirac_prodsys.core.problems import Path, Problems, nearest

CODE, UNFED = "cwl-job", "cwl-unfed"
FILES, NUMBER, LFN, EACH = "@{InputData}", "@{JOB_ID}", "LFN:", "each"
#: MiB of a GB in the memory tags of DIRAC, and GB of a processor that every site has
_MIB, _USUAL = 1024, 2
_WORKER = FilePath(__file__).with_name("worker.py").read_text("utf-8")
#: with this executable DIRAC makes another job wrapper, which clones dirac-cwl and uploads nothing
_SWITCH = "dirac-cwl-exec"
_START = "import base64,sys,zlib;exec(zlib.decompress(base64.b64decode(sys.argv[3])))"


class Cwl(JobAttributes):
    """Attributes of a CWL process.

    :param file: a CWL file in the folder of the production, or below it.
    :param digest: ``sha256:…`` of the process with all that it names; another one is refused.
    :param packed: the process itself; written by what reads ``file``.
    :param inputs: input of the process → its value; ``@{InputData}``: the files of the task,
        ``@{JOB_ID}``: its number, ``LFN:/…``: a file that every job gets, or a list
        of them, ``{each: […]}``: one of
        these for each task.
    :param outputs: output of the process → the name of its file in ``output.files``; of a list of
        files, as many names as it has files, in order.
    :param runner: the program that runs CWL on the worker: ``cwltool``, ``dirac-cwl-run`` of
        dirac-cwl, or another one that takes the process and the file of its inputs.
    :param images: folder of container images on the worker: ``/cvmfs/…``; the name of an image is
        its ``dockerPull``.
    :param software: absolute paths of shell scripts that are sourced before the runner.
    :param job_type: DIRAC JobType, if not that of the transformation.
    :param cpu_time: seconds of normalised CPU; default: the process's ``ToolTimeLimit``.
    :param processors: number of processors; default: ``coresMin`` of the process.
    :param priority: DIRAC's UserPriority.
    :param sites: where it may run; empty: anywhere.
    :param tags: of the resources it needs, besides that of ``ramMin`` of the process, if it is
        more than 2 GB for each processor.
    :param platform: DIRAC platform.
    :param environment: environment variables.
    :param type: ``cwl``.
    """

    type: Literal["cwl"]
    file: Text = ""
    digest: Text = ""
    packed: StrictStr = Field(default="", max_length=packing.MOST_PACKED)
    inputs: dict[StrictStr, Any] = Field(default={})
    outputs: dict[StrictStr, Text | tuple[Text, ...]] = Field(default={})
    runner: Line = "cwltool"
    images: SetupScript | Literal[""] = ""
    software: tuple[SetupScript, ...] = ()
    job_type: Word | None = Field(default=None, max_length=limits.JOB_TYPE.most)
    cpu_time: StrictInt | None = Field(default=None, ge=1)
    processors: StrictInt | None = Field(default=None, ge=1)
    priority: StrictInt = Field(default=1, ge=0)
    sites: tuple[Site, ...] = ()
    tags: tuple[Tag, ...] = ()
    platform: Platform = ""
    environment: Environment = Field(default={})

    def check(self, path: Path, problems: Problems) -> None:
        """Note what does not fit the process."""
        process = self._process()
        if process is None:
            # a file that could not be read was reported
            if not self.file or self.packed:
                reason = "the job has no process" if not self.packed else "packed holds no process"
                problems.add((*path, "file"), reason, "write file: name.cwl", code=CODE)
            return
        if packing.digest(process) != self.digest:
            reason = "the process is not the one of the digest"
            problems.add((*path, "digest"), reason, "write file: name.cwl alone", code=CODE)
        inputs, outputs = ports(process, "inputs"), ports(process, "outputs")
        for name, value in self.inputs.items():
            kind = inputs.get(name)
            if kind is None:
                reason = f"{self._words} has no input {name!r}"
                problems.add((*path, "inputs", name), reason, nearest(name, inputs), code=CODE)
            elif found := _mistake(value, kind[0]):
                reason = f"input {name!r} is {kind[0].words()}: {found[0]}"
                problems.add((*path, "inputs", name), reason, found[1], code=CODE)
            task_values.check(value, (*path, "inputs", name), problems, filled=_FILLED)
        for name, (wanted, given) in inputs.items():
            if name not in self.inputs and not given and not wanted.optional:
                reason = f"input {name!r} of {self._words} gets no value"
                problems.add((*path, "inputs"), reason, f"write inputs: {{{name}: …}}", code=CODE)
        takers = [n for n, v in self.inputs.items() if v == FILES]
        if len(takers) > 1:
            reason = f"two inputs take the files of the task: {', '.join(takers)}"
            hint = "a task has one list of files: leave it to one input"
            problems.add((*path, "inputs", takers[1]), reason, hint, code=CODE)
        for step, name in _unfed(process):
            reason = f"step {step!r} of {self._words} gives nothing to its input {name!r}"
            hint = f"write in: {{{name}: source}}: cwltool refuses to run it as it is"
            problems.remark((*path, "file"), reason, hint, code=UNFED)
        if self.runner.split()[0].rpartition("/")[2] == _SWITCH:
            reason = f"{_SWITCH} is no program: DIRAC takes another wrapper for such a job"
            problems.add((*path, "runner"), reason, "write runner: dirac-cwl-run", code=CODE)
        for name, named in self.outputs.items():
            made = outputs.get(name)
            if made is None:
                reason = f"{self._words} has no output {name!r}"
                problems.add((*path, "outputs", name), reason, nearest(name, outputs), code=CODE)
            elif not made[0].is_file:
                reason = f"output {name!r} is {made[0].words()}, and files are uploaded"
                problems.add((*path, "outputs", name), reason, "leave it out", code=CODE)
            elif not isinstance(named, str) and not (named and made[0].depth):
                reason = f"output {name!r} is {made[0].words()}, and has {len(named)} names"
                problems.add((*path, "outputs", name), reason, "write one name", code=CODE)

    def body(self, context: JobContext) -> JobSpec:
        """Return the job."""
        process = self._process() or {}
        inputs = ports(process, "inputs")
        job = {
            "process": process,
            "digest": self.digest,
            "inputs": {n: _how(v, inputs[n][0]) for n, v in self.inputs.items() if n in inputs},
            "outputs": self.outputs,
            "runner": self.runner,
            "images": self.images,
        }
        needs = _needs(process)
        cores, memory = needs.get("coresMin", 1), needs.get("ramMin", 0)
        much = math.ceil(memory / _MIB)
        tags = (f"{much}GB",) if much > _USUAL * (self.processors or cores) else ()
        given = (value for _, value in sorted(self.inputs.items()))
        sandbox = (f for v in given for f in (v if isinstance(v, list) else [v]) if is_lfn(f))
        return JobSpec(
            name=context.name,
            job_type=self.job_type or context.job_type,
            commands=(self._command(packing.pack(job)),),
            outputs=context.outputs,
            environment=self.environment,
            cpu_time=self.cpu_time or _time(process) or 86400,
            processors=self.processors or max(1, math.ceil(cores)),
            priority=self.priority,
            sites=self.sites,
            tags=tuple(dict.fromkeys((*self.tags, *tags))),
            platform=self.platform,
            sandbox=tuple(dict.fromkeys(sandbox)),
        )

    @property
    def _words(self) -> str:
        return self.file or "the process"

    def _process(self) -> dict[str, Any] | None:
        try:
            found = packing.unpack(self.packed) if self.packed else None
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def _command(self, payload: str) -> Command:
        worker = base64.b64encode(zlib.compress(_WORKER.encode(), 9)).decode("ascii")
        # the name and the digest are for who reads the line
        name = re.sub(r"[^A-Za-z0-9_.#/-]", "_", self.file) or "process"
        line = f"{name} {self.digest} {worker} {payload} {NUMBER} @{{PRODUCTION_ID}} '{FILES}'"
        if not self.software:
            return Command(executable="python3", arguments=f'-c "{_START}" {line}')
        sourced = " && ".join(f". {path}" for path in self.software)
        start = f"-c '{sourced} && exec python3 -c \"$@\"' cwl"
        return Command(executable="bash", arguments=f'{start} "{_START}" {line}')


_FILLED = frozenset({"InputData", "JOB_ID"})


def is_lfn(value: Any) -> bool:
    """Whether a value is a file of the catalogue."""
    return isinstance(value, str) and value.startswith(LFN)


def ports(process: Mapping[str, Any], key: str) -> dict[str, tuple[CwlType, bool]]:
    """Return type, and whether there is a default, of each port of a packed process."""
    found: dict[str, tuple[CwlType, bool]] = {}
    for name, entry in _entries(process.get(key)):
        written = entry.get("type") if isinstance(entry, Mapping) else entry
        whole = isinstance(entry, Mapping)
        inside = entry if whole and written in ("array", "enum", "record") else written
        kind = read_type(inside, AnyName()) or CwlType("Any")
        found[name] = (kind, whole and entry.get("default") is not None)
    return found


def _entries(held: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(held, Mapping):
        yield from held.items()
    for entry in held if isinstance(held, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("id"), str):
            yield entry["id"].rpartition("#")[2].rpartition("/")[2], entry


def _mistake(value: Any, kind: CwlType) -> tuple[str, str] | None:
    """Return why a value cannot go into an input, and the way out."""
    if value == FILES:
        if kind.takes_files(many=False) or kind.takes_files(many=True):
            return None
        return "it takes no files of the task", "give them to an input of type File or File[]"
    if is_lfn(value):
        return None if kind.takes_files(many=False) else ("it takes no file", "use a File")
    if isinstance(value, list) and value and all(map(is_lfn, value)):
        return None if kind.takes_files(many=True) else ("it takes no files", "use a File[]")
    if isinstance(value, Mapping) and value.keys() == {EACH}:
        some = value[EACH]
        if not isinstance(some, list) or not some:
            return "each is a list of values", "write {each: [1, 2]}"
        wrong = [found for one in some if (found := _mistake(one, kind))]
        return wrong[0] if wrong else None
    if value == NUMBER and kind.base in ("int", "long") and not kind.depth:
        return None
    if fits(value, kind):
        return None
    return f"{str(value)[:80]!r} is none", "write a value of that type"


def _how(value: Any, kind: CwlType) -> dict[str, Any]:
    """Return how the worker finds the value of an input."""
    if value == FILES:
        several = "all" if kind.depth else "any" if kind.base in ("union", "Any") else "one"
        return {"files": several}
    if is_lfn(value) or (isinstance(value, list) and value and all(map(is_lfn, value))):
        return {"file": value}
    if value == NUMBER and kind.base in ("int", "long"):
        return {"number": True}
    if isinstance(value, Mapping) and value.keys() == {EACH}:
        return {EACH: value[EACH]}
    return {"value": value}


def _requirement(process: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for key in ("requirements", "hints"):
        held = process.get(key)
        if isinstance(held, Mapping) and isinstance(held.get(name), Mapping):
            return dict(held[name])
        for entry in held if isinstance(held, list) else ():
            if isinstance(entry, Mapping) and entry.get("class") == name:
                return entry
    return {}


def _processes(process: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(process, Mapping):
        return
    yield process
    for _, step in _steps(process):
        if isinstance(step, Mapping):
            yield from _processes(step.get("run"))


def _steps(process: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    held = process.get("steps")
    if isinstance(held, Mapping):
        yield from held.items()
    for number, entry in enumerate(held if isinstance(held, list) else ()):
        yield str(number), entry


def _unfed(process: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield step and input where a step gives nothing to an input that needs a value."""
    for one in _processes(process):
        for step, entry in _entries(one.get("steps")):
            run = entry.get("run") if isinstance(entry, Mapping) else None
            if not isinstance(run, Mapping):
                continue
            held = entry.get("in")
            links = {name for name, _ in _entries(held)}
            if isinstance(held, list):
                links |= {name.rpartition("/")[2] for name in held if isinstance(name, str)}
            for name, (kind, given) in ports(run, "inputs").items():
                if name not in links and not given and not kind.optional:
                    yield step, name


def _needs(process: Mapping[str, Any]) -> dict[str, float]:
    """Return the most that any process inside needs, of numbers that are written."""
    found: dict[str, float] = {}
    for one in _processes(process):
        for key, value in _requirement(one, "ResourceRequirement").items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[key] = max(found.get(key, 0), value)
    return found


def _time(process: Mapping[str, Any]) -> int | None:
    limits = [_requirement(one, "ToolTimeLimit").get("timelimit") for one in _processes(process)]
    known = [value for value in limits if isinstance(value, int) and value > 0]
    return sum(known) or None


JOB_TYPES = (JobType("cwl", Cwl, expand=_packed),)
