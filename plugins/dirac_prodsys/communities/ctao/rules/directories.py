"""Derives the directories of a step's output, and the metadata of each.

``<base>/<campaign>/<site>/<particle>/<program>/<transformation ID>/<Data, Log or Model>``, as
``ProdDataManager.createMDTopDirectory`` and ``createMDSubDirectory`` make it. The upper ones are
shared with other productions; making them again changes nothing.

Invariant: no field is set on two directories of one path, as the catalogue would refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.ctao.rules.outputs import CtaoOutput
from dirac_prodsys.core import limits, naming
from dirac_prodsys.core.grid.specs import TRANSFORMATION_ID, CommunityBody, DirectorySpec
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.steps.file_values import StandIn

#: fields of the directory with the transformation's ID
_OF_TRANSFORMATION = ("phiP", "thetaP", "array_layout", "version", "sct", "systematics")
#: folder that jobs make below it, for a thousand runs (``ProdDataManager._getRunPath``)
THOUSAND = "000xxx"


def directories(base_path: str, output: CtaoOutput) -> tuple[DirectorySpec, ...]:
    """Return the directories of an output, top first; none while its metadata are incomplete."""
    metadata = output.metadata
    program = _program(metadata)
    if output.unresolved or program is None:
        return ()
    made = []
    path = base_path.rstrip("/")
    for name in _levels(metadata):
        path = f"{path}/{_part(metadata[name])}"
        made.append(DirectorySpec(path=path, metadata={name: metadata[name]}))
    path = f"{path}/{TRANSFORMATION_ID}"
    fields = [f"{program}_version" if name == "version" else name for name in _OF_TRANSFORMATION]
    made.append(
        DirectorySpec(path=path, metadata={n: metadata[n] for n in fields if n in metadata})
    )
    kinds = ("Model",) if metadata["outputType"] == "Model" else ("Data", "Log")
    made += (DirectorySpec(path=f"{path}/{k}", metadata=_of(k, metadata)) for k in kinds)
    return tuple(made)


def output_directory(body: CommunityBody, transformation: int) -> str:
    """Return the directory below which the body's jobs upload; empty: unknown before they run."""
    metadata, base_path = dict(body.output_metadata), dict(body.settings).get("base_path")
    if body.unresolved or _program(metadata) is None or not isinstance(base_path, str):
        return ""
    parts = (_part(metadata[name]) for name in _levels(metadata))
    return "/".join((base_path.rstrip("/"), *parts, str(transformation)))


def stand_in(directory: DirectorySpec) -> StandIn:
    """Return the files that a rehearsal leaves in a directory, in the folders of a real job."""
    kind = directory.metadata.get("outputType")
    below = "" if kind in (None, "Model") else f"/{THOUSAND}"
    log = kind == "Log"
    return StandIn(below, "log" if log else "data", carries=not log)


def check(base_path: str, output: CtaoOutput, vo: str, place: Path, problems: Problems) -> None:
    """Note if the catalogue would refuse the directories.

    :param place: path of ``base_path`` in the file.
    """
    base = Problems()
    with base.at(*place):
        naming.check_directory(base_path.rstrip("/"), vo)
    for wrong in base.found:
        problems.add(wrong.path, wrong.reason, wrong.hint, code=wrong.code)
        return  # the directories below it would be wrong, too
    made = directories(base_path, output)
    for directory in made[-1:]:
        with problems.at("steps", output.step, "job", on_key=True):
            naming.check_directory(directory.of(0).path, vo)
            naming.check_depth(f"{directory.of(0).path}/{THOUSAND}", "directory")
    for directory in made:
        for _, reason, hint, _ in limits.misfits(directory.metadata, limits.DIRECTORY_FIELD):
            problems.add(("steps", output.step, "job"), reason, hint, on_key=True, code="text")


def _program(metadata: Mapping[str, Any]) -> str | None:
    return next((name for name in metadata if name.endswith("_prog")), None)


def _levels(metadata: Mapping[str, Any]) -> list[str]:
    """Return the fields whose values are directories, top first."""
    wanted = ("MCCampaign", "site", "particle", _program(metadata))
    return [name for name in wanted if name is not None and name in metadata]


def _part(value: Any) -> str:
    """Return a value as part of a path; numbers with one digit after the point."""
    return value if isinstance(value, str) else f"{value:.1f}"


def _of(kind: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of the directory for one type of files."""
    metadata = {"outputType": kind}
    metadata |= {name: made[name] for name in ("data_level", "configuration_id")}
    if kind != "Model":
        metadata["merged"] = made.get("merged", 0)
    return metadata
