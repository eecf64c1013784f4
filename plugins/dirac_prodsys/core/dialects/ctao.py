"""CTAO's form, ``ProdSteps`` and ``Common``: the files of ``cta-prod-submit``, as they are.

What such a file does not say is decided so:

* The production is named after the file, without its ending, as ``cta-prod-submit`` takes the name
  from its command line; its VO is the first part of ``base_path``.
* A step is named as CTADIRAC names it, ``Step2_CtapipeProcessing``: counted in the order of the
  IDs, and called by ``name`` or its type. A parent is found by its ID.
* A simulation has no number of tasks: somebody extends it in DIRAC, and it is over when somebody
  completes it there.
* Metadata know no run: what the steps make is found by any production that asks for it, and so a
  root may find what other steps of its own file make. It waits for these as for parents.

All of this can be said in a key of our own, which CTADIRAC passes over::

    prodsys:
      name: gammas            # also: vo, description, connection, tags
      steps:
        1: {tasks: 1000}      # by ID; also: description, start, dataset, policy

Anything else that CTADIRAC would pass over is a mistake: most often a word that was meant for it.

Invariant: nothing of a file is lost on the way into a ``Production``, null values apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.ctao import companions, places, settings
from dirac_prodsys.core.ctao.form import CtaoStep, Extras, Outline, StepExtras, number_of, outline
from dirac_prodsys.core.ctao.job_types import CtaoType, ctao_type, known_keys
from dirac_prodsys.core.ctao.remarks import AS_IN_JOB_CONFIG, DIFFERS
from dirac_prodsys.core.job_types.ctao import PREFIX
from dirac_prodsys.core.problems import Path, Problems, nearest
from dirac_prodsys.core.production import (
    InputSpec,
    Production,
    Step,
)
from dirac_prodsys.core.yaml_document import Document
from dirac_prodsys.errors import DefinitionError

#: keys of ``input_meta_query`` that are no conditions on files
SOURCES = ("parentID", "dataset")

#: stands for a step that has no type, or no ID: nothing is named so
_UNKNOWN, _UNNUMBERED = "unknown", "unnumbered"

#: owner of the files where ``base_path`` does not tell
VO = "ctao"


def matches(data: dict[str, object]) -> bool:
    """``ProdSteps`` tells this form; so does ``Common`` where the native form is not meant."""
    return "ProdSteps" in data or ("Common" in data and "steps" not in data)


def prepare(document: Document) -> tuple[Document, list[DefinitionError]]:
    """Nothing of such a file stands elsewhere."""
    return document, []


def read(document: Document, problems: Problems) -> tuple[Production | None, frozenset[str]]:
    """The production that the file describes, and the names of steps that could not be read."""
    file, wrong = outline(document, problems)
    if file is None:
        return None, frozenset()
    kinds = {index: _kind(index, step, problems) for index, step in file.written.items()}
    _check(file, problems)
    common = {k: v for k, v in file.common.items() if v is not None}
    names = _names(document.data)
    extras = file.prodsys
    steps: dict[int, Step] = {}
    beside = companions.Companions(document, problems)
    for index, step in sorted(file.written.items(), key=lambda item: item[1].ID):
        config = beside.complete(index, step.job_config)
        kind = kinds[index]
        if kind is None:
            continue
        if step.ID not in steps and _has_one_source(step, names):
            steps[step.ID] = _step(step, kind, names, config, common, extras, problems)
        else:  # whatever it takes, its settings can be checked
            _check_settings(index, kind, config, common, problems)
    production = Production(
        name=extras.name or _stem(document.file),
        vo=extras.vo or _vo(common.get("base_path")),
        description=extras.description,
        connection=extras.connection,
        tags=extras.tags,
        steps=tuple(steps.values()),
        dialect="ctao",
        source=beside.whole_text(),
        file=document.file,
    )
    unread = {name for number, name in names.items() if number not in steps}
    return production, frozenset(unread | ({_UNNUMBERED} if wrong else set()))


def place(path: Path, document: Document) -> Path:
    """Where in the file that is written which stands at ``path`` in the plan."""
    return places.written(path, document.data["ProdSteps"], _names(document.data))


def _has_one_source(step: CtaoStep, names: Mapping[int, str]) -> bool:
    """Whether what it says of its parent and dataset can be followed; if not, that was told."""
    parent, dataset = (step.input_meta_query.get(key) or None for key in SOURCES)
    if parent is not None and (isinstance(parent, bool) or not isinstance(parent, int)):
        return False
    known = parent is None or (parent in names and parent < step.ID)
    return known and (dataset is None or (isinstance(dataset, str) and parent is None))


def _kind(index: int, step: CtaoStep, problems: Problems) -> CtaoType | None:
    path: Path = ("ProdSteps", index, "job_config", "type")
    name = step.job_config.get("type")
    if not isinstance(name, str):
        hint = "add type: CtapipeProcessing"
        problems.add(path, "the job has no type", hint, on_key=True, code="missing-key")
        return None
    with problems.at(*path):
        return ctao_type(name)
    return None


def _check(file: Outline, problems: Problems) -> None:
    """IDs, parents, and keys that would be passed over."""
    count = file.numbers
    for index, step in file.written.items():
        path: Path = ("ProdSteps", index)
        if count[step.ID] > 1:
            reason = f"{count[step.ID]} steps have the ID {step.ID}"
            problems.add((*path, "ID"), reason, "give each its own", code="wrong-value")
        source = (*path, "input_meta_query")
        parent, dataset = (step.input_meta_query.get(key) or None for key in SOURCES)
        if parent is not None and (isinstance(parent, bool) or not isinstance(parent, int)):
            hint = "name one step; several parents are expressed by a query that all of them match"
            reason = "should be the ID of one step"
            problems.add((*source, "parentID"), reason, hint, code="wrong-type")
        elif parent is not None and parent not in count:
            ids = ", ".join(str(number) for number in sorted(count))
            hint = f"known here: {ids}"
            reason = f"there is no step with the ID {parent}"
            problems.add((*source, "parentID"), reason, hint, code="unknown-step")
        elif parent is not None and parent >= step.ID:
            reason = f"step {step.ID} cannot be fed by step {parent}"
            hint = "let the parent have the lower ID"
            problems.add((*source, "parentID"), reason, hint, code="unknown-step")
        if dataset is not None and not isinstance(dataset, str):
            reason = "should be the name of a dataset"
            problems.add((*source, "dataset"), reason, "quote it", code="wrong-type")
        elif parent is not None and dataset is not None:
            reason = "a step takes files from a parent or from a dataset, not both"
            hint = "drop one: CTADIRAC ignores the dataset"
            problems.add((*source, "dataset"), reason, hint, code="wrong-value")
    if sorted(count) != list(range(1, len(count) + 1)):
        problems.remark(
            ("ProdSteps", 0, "ID"),
            "parents are found by their ID",
            "CTADIRAC takes parentID for a position: number the steps 1, 2, 3 without gaps",
            code=DIFFERS,
        )
    known = known_keys()
    for key, value in file.common.items():
        if key not in known:
            reason, hint = f"unknown key {key!r}", nearest(key, known)
            problems.add(("Common", key), reason, hint, on_key=True, code="unknown-key")
        elif key in AS_IN_JOB_CONFIG and value is not None:
            problems.remark(
                ("Common", key),
                f"{key} means here what it means in job_config",
                "CTADIRAC does not understand it here: write it into job_config",
                on_key=True,
                code=DIFFERS,
            )
    for number in file.prodsys.steps:
        if number not in {str(taken) for taken in count}:
            where: Path = ("prodsys", "steps", number)
            hint = nearest(number, [str(taken) for taken in count])
            reason = f"there is no step with the ID {number}"
            problems.add(where, reason, hint, on_key=True, code="unknown-step")


def _check_settings(
    index: int,
    kind: CtaoType,
    config: Mapping[str, Any],
    common: Mapping[str, Any],
    problems: Problems,
) -> None:
    """The settings of a step that cannot be part of the production."""
    found = Problems()
    settings.read(kind, common, config, ("ProdSteps", index, "job_config"), found)
    for one in found.found:
        path = ("Common", *one.path[1:]) if one.path[:1] == ("common",) else one.path
        problems.add(path, one.reason, one.hint, on_key=one.on_key, code=one.code)


def _names(data: Mapping[str, Any]) -> dict[int, str]:
    """ID → step name; steps whose type cannot be read are counted, too."""
    names: dict[int, str] = {}
    numbered = [(n, step) for step in data["ProdSteps"] if (n := number_of(step)) is not None]
    for count, (number, step) in enumerate(sorted(numbered, key=lambda pair: pair[0]), 1):
        names.setdefault(number, f"Step{count}_{_suffix(step)}")
    return names


def _suffix(step: Mapping[str, Any]) -> str:
    """What a step is called after its number; a word of ours if nothing says it."""
    config = step.get("job_config")
    kind = config.get("type") if isinstance(config, Mapping) else None
    said = step.get("name")
    if isinstance(said, str) and said:
        return said
    with contextlib.suppress(DefinitionError):
        return ctao_type(kind).step_name if isinstance(kind, str) else _UNKNOWN
    return _UNKNOWN


def _step(
    step: CtaoStep,
    kind: CtaoType,
    names: Mapping[int, str],
    config: Mapping[str, Any],
    common: Mapping[str, Any],
    extras: Extras,
    problems: Problems,
) -> Step:
    more = extras.steps.get(str(step.ID), StepExtras())
    if more.tasks is not None and not kind.simulation:
        reason = f"a {kind.name} makes its tasks from its input files"
        where: Path = ("prodsys", "steps", str(step.ID), "tasks")
        problems.add(where, reason, "drop tasks", on_key=True, code="unknown-key")
    return Step(
        name=names[step.ID],
        description=more.description,
        type=kind.transformation,
        job={"type": f"{PREFIX}{kind.name}", "config": dict(config), "common": dict(common)},
        input=_input(step, kind, names),
        tasks=more.tasks,
        start=more.start,
        dataset=more.dataset,
        policy=more.policy,
    )


def _input(step: CtaoStep, kind: CtaoType, names: Mapping[int, str]) -> InputSpec | None:
    said = {k: v for k, v in step.input_meta_query.items() if v is not None}
    for key in SOURCES:
        if not said.get(key):
            said.pop(key, None)
    if kind.simulation and not said:
        return None
    parent = said.get("parentID")
    return InputSpec(
        steps=() if parent is None else (names[parent],),
        dataset=said.get("dataset"),
        where={k: v for k, v in said.items() if k not in SOURCES},
    )


def _stem(file: str) -> str:
    name = file.rpartition("/")[2]
    for ending in (".yaml", ".yml"):
        name = name.removesuffix(ending)
    return name


def _vo(base_path: Any) -> str:
    parts = base_path.split("/") if isinstance(base_path, str) else []
    return parts[1] if len(parts) > 1 and parts[0] == "" and parts[1] else VO
