"""Finds which step feeds which, whatever the file says.

Steps of CTAO's productions find files by metadata alone, and take files of other steps without
naming a parent: a classifier is trained on the files of two steps; models are applied that an
earlier step trains. Such steps must wait for each other, although no parent is named.

Invariant: feeders are proved from metadata, never from the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.ctao.rules.draft import CtaoDraft
from dirac_prodsys.communities.ctao.rules.outputs import CtaoOutput
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.communities.ctao.types.vocabulary import FILE_LEVEL, known_query
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.query.meta_query import MetaQuery

#: model file in the options of CtapipeApplyModels → the program that trains it; the job looks the
#: model up in the catalogue when it runs (``CtapipeApplyModelsJob``)
MODELS = {
    "energy_model.pkl": "ctapipe-train-energy-regressor",
    "classifier_model.pkl": "ctapipe-train-particle-classifier",
}


def takes(query: MetaQuery, output: CtaoOutput) -> bool:
    """Check whether a step with this input query takes files of that output."""
    if query.is_empty or output.unresolved:
        return False
    carried = output.carried
    if not set(query.fields) <= carried.keys() | FILE_LEVEL:
        return False
    return query.intersects(known_query(carried))


def takes_models(settings: Settings, own: CtaoOutput, output: CtaoOutput) -> bool:
    """Check whether the jobs of a step look up models that the other step trains.

    :param own: the output of the step itself; the query for the models is made from it.
    """
    options = str(settings.get("options", ""))
    programs = [program for file, program in MODELS.items() if file in options]
    if "ctapipe-apply-models" not in own.metadata.values() or own.unresolved:
        return False
    wanted: dict[str, Any] = {k: v for k, v in own.query.items() if k not in ("particle", "split")}
    return any(
        takes(_model_query(wanted, program), output)
        for program in programs
        if program in output.metadata.values()
    )


def _model_query(wanted: Mapping[str, Any], program: str) -> MetaQuery:
    return known_query({**wanted, "outputType": "Model", "analysis_prog": program})


def feeders(
    drafts: Mapping[str, CtaoDraft], problems: Problems, outputs: Mapping[str, CtaoOutput]
) -> dict[str, tuple[str, ...]]:
    """Return step → steps that feed it without being its parents; a step feeding itself is noted.

    :param outputs: step → output, for all steps that make files.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, drafted in drafts.items():
        query = drafted.taken.known
        fed = [
            other
            for other, output in outputs.items()
            if not drafted.taken.unresolved and takes(query, output)
        ]
        if name in fed:
            problems.add(
                ("steps", name, "input"),
                f"step {name} would take its own output, for ever: both match {query}",
                "select by something that the output has not, such as analysis_prog or merged",
                on_key=True,
                code="eats-output",
            )
        found[name] = tuple(f for f in fed if f != name and f not in drafted.parents)
    return found


def trained(drafts: Mapping[str, CtaoDraft]) -> dict[str, tuple[str, ...]]:
    """Return step → steps that train the models which its jobs look up."""
    known = {name: drafted.output for name, drafted in drafts.items() if drafted.output is not None}
    return {
        name: tuple(
            other
            for other, output in known.items()
            if name in known and takes_models(drafted.settings, known[name], output)
        )
        for name, drafted in drafts.items()
    }
