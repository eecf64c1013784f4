"""The stand-in of a transformation: the same one, whose jobs write small files.

Names, directories, metadata and storage elements of the files are those that a real job would
leave. Where its program registers them itself (CTAO's do, and those of steps without ``files``),
a stand-in leaves one file for each combination of the values that files carry.

Invariant: only the body differs; a body of requests does not.
"""

from __future__ import annotations

import re

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.specs import (
    Command,
    DirectorySpec,
    JobSpec,
    OutputFile,
    RequestSpec,
    TransformationSpec,
)
from dirac_prodsys.core.query.value import order_key
from dirac_prodsys.core.steps.file_values import MAX_TURNS, turns

#: what the jobs of a rehearsal run: names of files to write
PROGRAM = "prodsys-stand-in"

#: seconds of normalised CPU, more than a stand-in needs
_CPU_TIME = 600

#: attributes of operations, and parameters of plugins, that name storage elements
_STORAGE = ("SourceSE", "TargetSE")
_SE = re.compile(r"[A-Za-z0-9_.-]+")

#: where a job of CTAO puts its files below ``Data``: a folder for a thousand runs
_THOUSAND = "000xxx"


def stand_in(spec: TransformationSpec, se: str) -> TransformationSpec:
    """The transformation with stand-in jobs.

    :param se: where files go of which the production does not say it.
    """
    if isinstance(spec.body, RequestSpec):
        return spec
    outputs = spec.body.outputs if isinstance(spec.body, JobSpec) else ()
    outputs = outputs or _registered(spec, se)
    names = " ".join(output.name for output in outputs)
    body = JobSpec(
        name=spec.body.name if isinstance(spec.body, JobSpec) else spec.name,
        job_type=spec.body.job_type if isinstance(spec.body, JobSpec) else spec.type,
        commands=(Command(executable=PROGRAM, arguments=f"--task @{{JOB_ID}} {names}".rstrip()),),
        outputs=outputs,
        cpu_time=_CPU_TIME,
    )
    return spec.model_copy(update={"body": body})


def left_out(spec: TransformationSpec) -> list[str]:
    """What of a job is not rehearsed: it needs another place than a sandbox."""
    body = spec.body
    if not isinstance(body, JobSpec):
        return []
    asked = {
        "sites": body.sites,
        "tags": body.tags,
        "platform": body.platform,
        "processors": body.processors > 1,
        "sandbox": body.sandbox,
        "environment": body.environment,
    }
    return [name for name, value in asked.items() if value]


def storage_of(spec: TransformationSpec) -> list[str]:
    """The storage elements that a transformation names, its sources first."""
    said = [str(spec.parameters.get(name, "")) for name in _STORAGE]
    if isinstance(spec.body, RequestSpec):
        said += [op.attributes.get(name, "") for op in spec.body.operations for name in _STORAGE]
    elif isinstance(spec.body, JobSpec):
        said += [output.se for output in spec.body.outputs]
    # a list is kept as the text of one; what a plugin chooses has a colon in its name
    names = (name for text in said if ":" not in text for name in _SE.findall(text))
    return list(dict.fromkeys(names))


def _registered(spec: TransformationSpec, se: str) -> tuple[OutputFile, ...]:
    """The files that the program of a job would register itself."""
    if spec.output_query is None or not spec.directories:
        return ()
    said = {name for directory in spec.directories for name in directory.metadata}
    values = {
        name: sorted(some, key=order_key)
        for name, some in spec.output_query.listed.items()
        if name not in said
    }
    (combinations,) = turns(values, 1) if _few(values) else ((),)
    step = spec.name.rsplit(naming.SEPARATOR, 1)[-1]
    made = []
    for directory in _leaves(spec.directories):
        log = directory.metadata.get("outputType") == "Log"
        below = "" if directory.metadata.get("outputType") in (None, "Model") else f"/{_THOUSAND}"
        for number, own in enumerate(({},) if log or not combinations else combinations, 1):
            kind = "log" if log else "data"
            made.append(
                OutputFile(
                    name=f"{step}_@{{JOB_ID}}_{number}.{kind}",
                    directory=f"{directory.path}{below}",
                    se=se,
                    metadata=(own,) if own else (),
                )
            )
    return tuple(made)


def _few(values: dict[str, list[str | int | float]]) -> bool:
    count = 1
    for some in values.values():
        count *= len(some)
    return count <= MAX_TURNS


def _leaves(directories: tuple[DirectorySpec, ...]) -> list[DirectorySpec]:
    """Those that have no other below them: files lie there."""
    paths = [directory.path for directory in directories]
    return [
        directory
        for directory in directories
        if not any(path.startswith(f"{directory.path}/") for path in paths)
    ]
