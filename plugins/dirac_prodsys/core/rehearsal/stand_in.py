"""Makes the stand-in of a transformation: the same one, with jobs that write small files.

Names, directories, metadata and storage elements of the files are those that a real job would
leave. If its program registers them itself (as in steps without ``files``), a stand-in leaves one
file for each combination of the values that files carry, or what the community defines.

Invariant: only the body differs; a body of requests does not.
"""

from __future__ import annotations

import re

from dirac_prodsys.core import naming
from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.grid.specs import (
    Command,
    CommunityBody,
    DirectorySpec,
    JobSpec,
    OutputFile,
    RequestSpec,
    TransformationSpec,
)
from dirac_prodsys.core.query.value import order_key
from dirac_prodsys.core.steps.file_values import MAX_TURNS, StandIn, turns

#: the program of a rehearsal's jobs; its arguments are names of files to write
PROGRAM = "prodsys-stand-in"

#: seconds of normalised CPU, more than a stand-in needs
_CPU_TIME = 600

#: attributes of operations, and parameters of plugins, that name storage elements
_STORAGE = ("SourceSE", "TargetSE")
_SE = re.compile(r"[A-Za-z0-9_.-]+")


def stand_in(spec: TransformationSpec, se: str) -> TransformationSpec:
    """Return the transformation with stand-in jobs.

    :param se: storage element of files for which the production names none.
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
    """Name what of a job is not rehearsed: it needs another place than a sandbox."""
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
    """Return the storage elements that a transformation names, its sources first."""
    texts = [str(spec.parameters.get(name, "")) for name in _STORAGE]
    if isinstance(spec.body, RequestSpec):
        texts += [op.attributes.get(name, "") for op in spec.body.operations for name in _STORAGE]
    elif isinstance(spec.body, JobSpec):
        texts += [output.se for output in spec.body.outputs]
    # a list is stored as text; a storage element chosen by a plugin has a colon in its name
    names = (name for text in texts if ":" not in text for name in _SE.findall(text))
    return list(dict.fromkeys(names))


def _registered(spec: TransformationSpec, se: str) -> tuple[OutputFile, ...]:
    """Return the files that the program of a job would register itself."""
    if spec.output_query is None or not spec.directories:
        return ()
    of_directories = {name for directory in spec.directories for name in directory.metadata}
    values = {
        name: sorted(some, key=order_key)
        for name, some in spec.output_query.listed.items()
        if name not in of_directories
    }
    (combinations,) = turns(values, 1) if _few(values) else ((),)
    step = spec.name.rsplit(naming.SEPARATOR, 1)[-1]
    made = []
    for directory in _leaves(spec.directories):
        left = _left(spec, directory)
        many = combinations if left.carries and combinations else ({},)
        for number, own in enumerate(many, 1):
            made.append(
                OutputFile(
                    name=f"{step}_@{{JOB_ID}}_{number}.{left.ending}",
                    directory=f"{directory.path}{left.below}",
                    se=se,
                    metadata=(own,) if own else (),
                )
            )
    return tuple(made)


def _left(spec: TransformationSpec, directory: DirectorySpec) -> StandIn:
    if isinstance(spec.body, CommunityBody):
        community = community_of(spec.body.kind)
        if community.stand_in:
            found: StandIn = community.offered(community.stand_in)(directory)
            return found
    return StandIn()


def _few(values: dict[str, list[str | int | float]]) -> bool:
    count = 1
    for some in values.values():
        count *= len(some)
    return count <= MAX_TURNS


def _leaves(directories: tuple[DirectorySpec, ...]) -> list[DirectorySpec]:
    """Return the directories that have no other below them: files lie there."""
    paths = [directory.path for directory in directories]
    return [
        directory
        for directory in directories
        if not any(path.startswith(f"{directory.path}/") for path in paths)
    ]
