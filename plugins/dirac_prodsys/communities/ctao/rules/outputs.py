"""Derives a step's output: metadata of directories and files, and the query for them.

Follows ``CTAJob.set_output_metadata``, and what ``WorkflowElement`` gives it. The fields are a
fixed list: array layout, site, particle, pointing, SCTs, program and version, data level, output
type, configuration and campaign. All other conditions of the input are dropped on purpose.

Invariant: every value is a single value, so that a directory can have it; or it is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.communities.ctao.types.job_types import BASE, CtaoType
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.communities.ctao.types.vocabulary import PHI, Unknown, bare, known_query, single
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.context import StepContext

#: mandatory metadata of jobs → the key of ``input_meta_query`` that sets it
NEEDED = {
    "array_layout": "array_layout",
    "site": "site",
    "phiP": "pointing_dir",
    "thetaP": "zenith_angle",
}


@dataclass(frozen=True)
class CtaoOutput:
    """The output of a step.

    :param metadata: metadata of the directories, in order.
    :param files: metadata of files, in order, as the job is given them.
    :param unresolved: datasets with an unknown query on which values depend.
    """

    step: str
    metadata: Mapping[str, Any]
    files: Mapping[str, Any]
    unresolved: tuple[str, ...] = ()

    @property
    def query(self) -> dict[str, Any]:
        """Return the output query, in order."""
        return {**self.metadata, **{name: _condition(v) for name, v in self.files.items()}}

    @property
    def carried(self) -> dict[str, Any]:
        """Return the other known metadata of its files, beside those in the query."""
        query = self.query
        if query.get("outputType") == "Data":
            query.setdefault("merged", 0)  # the directory gets it (ProdDataManager)
        return query

    @property
    def known(self) -> MetaQuery:
        """Return the known part of the output query."""
        return known_query(self.query)


def processed(
    context: StepContext,
    settings: Settings,
    taken: Mapping[str, Any],
    unresolved: tuple[str, ...],
    words: Mapping[str, str] = NEEDED,
) -> CtaoOutput:
    """Return the output of a step that takes files.

    :param taken: the input query.
    :param words: metadata field → its name where the input is written.
    """
    kind, step = settings.kind, context.step.name
    taken = {name: bare(condition) for name, condition in taken.items()}
    # the job takes the input's data level, unless it has one of its own
    own = {"data_level": taken["data_level"]} if "data_level" in taken else {}
    attributes = {**kind.attributes, **own, **settings.attributes}
    inherited = {**taken, **settings.config}
    if check_inherited(context, kind, inherited, words):
        return CtaoOutput(step, {}, {}, unresolved)
    metadata = {name: inherited[name] for name in ("array_layout", "site")}
    if "particle" in inherited:
        metadata["particle"] = inherited["particle"]
    metadata |= {"phiP": inherited["phiP"], "thetaP": inherited["thetaP"]}
    metadata["sct"] = _sct(inherited.get("sct"))
    metadata |= program(attributes)
    for name in ("view_cone", "systematics"):
        if value := _optional(name, inherited):
            metadata[name] = value
    metadata |= _merged(settings, taken)
    _check_single(context, metadata)
    files = {name: value for name, value in taken.items() if name in kind.file_fields}
    files |= settings.files
    if kind.one_night_sky and set(files) != {"nsb"}:
        reason = f"{kind.name} needs one nsb, and no other setting may distinguish its files"
        hint = "add moon: dark, half or full; no div_ang"
        context.add(("job",), reason, hint, code="missing-key")
    return CtaoOutput(step, metadata, files, unresolved)


def check_inherited(
    context: StepContext,
    kind: CtaoType,
    inherited: Mapping[str, Any],
    words: Mapping[str, str] = NEEDED,
) -> bool:
    """Note missing metadata that jobs of that type need; return whether any is missing.

    Existing values are checked as well.

    :param inherited: known conditions of the input, and values that the step sets itself.
    """
    missing = [name for name in (*NEEDED, *kind.needed) if name not in inherited]
    if missing:
        reason = f"the input query does not say {', '.join(missing)}, which the output inherits"
        hint = f"add {', '.join(words.get(name, name) for name in missing)}"
        context.add(("input",), reason, hint, on_key=True, code="missing-key")
    there = (*NEEDED, "particle")
    _check_single(context, {name: inherited[name] for name in there if name in inherited})
    return bool(missing)


def simulated(step: str, settings: Settings) -> CtaoOutput:
    """Return the output of a simulation by CORSIKA and sim_telarray."""
    attributes = {**settings.kind.attributes, **settings.attributes}
    metadata = {
        "array_layout": attributes["array_layout"],
        "site": attributes["site"],
        "particle": attributes["particle"],
        "phiP": PHI[attributes["pointing_dir"]],
        "thetaP": float(attributes["zenith_angle"]),
        "sct": "True" if attributes.get("sct") else "False",
        **program(attributes),
    }
    return CtaoOutput(step, metadata, settings.files)


def program(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return program, version, data level, output type, configuration and campaign."""
    given = {**BASE, **attributes}
    program = f"{given['program_category']}_prog"
    return {
        program: given["prog_name"],
        f"{program}_version": given["version"],
        "data_level": given["data_level"],
        "outputType": given["output_type"],
        "configuration_id": given["configuration_id"],
        "MCCampaign": given["MCCampaign"],
    }


def _check_single(context: StepContext, metadata: Mapping[str, Any]) -> None:
    for name, value in metadata.items():
        if not single(value):
            reason = f"the output can have one {name} only, and the input has {value!r}"
            context.add(
                ("input", "where", name), reason, "select one value of it", code="condition"
            )


def _sct(value: Any) -> Any:
    return value if isinstance(value, Unknown) else str(value) if value else "False"


def _optional(name: str, inherited: Mapping[str, Any]) -> Any:
    if name == "systematics":
        tested = inherited.get("systematic_uncertainty_to_test") or ""
        return "_".join(tested.rstrip("/").split("/")[1:])
    return inherited.get(name)


def _merged(settings: Settings, taken: Mapping[str, Any]) -> dict[str, Any]:
    """Return how often files were merged: once more than the input; 0 is the input's default."""
    if settings.kind.merged == "zero":
        return {"merged": 0}
    if settings.kind.merged == "next":
        before = settings.get("merged", taken.get("merged", 0))
        return {"merged": before + 1 if isinstance(before, int) else before}
    return {}


def _condition(value: Any) -> Any:
    """Return a choice of file metadata as a query condition."""
    if isinstance(value, list | tuple):
        return {"in": list(value)} if len(value) > 1 else value[0]
    return value
