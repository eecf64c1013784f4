"""Reads the production that a file of CTAO's form, ``ProdSteps`` and ``Common``, describes.

What such a file does not say is decided so:

* The production is named after the file, without its ending, as ``cta-prod-submit`` takes the name
  from its command line; its VO is the first part of ``base_path``.
* A step has the name that CTADIRAC gives it, ``Step2_CtapipeProcessing``: its number in the order
  of the IDs, then ``name`` or its type. A parent is found by its ID.
* A simulation has no number of tasks: somebody extends it in DIRAC, and it ends when somebody
  completes it there.
* Metadata do not name the run: any production can find the files of a step by a query. So a root
  step may find files of other steps of its own file. It waits for these as for parents.

All of this can be set in a key of our own, which CTADIRAC ignores::

    prodsys:
      name: gammas            # also: vo, description, connection, tags, links
      steps:
        1: {tasks: 1000}      # by ID; also: description, start, dataset, policy

Any other key that CTADIRAC would ignore is a mistake: most often a misspelt key.

Invariant: a ``Production`` keeps everything of the file, null values apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.ctao import COMMUNITY
from dirac_prodsys.communities.ctao.form import companions, places
from dirac_prodsys.communities.ctao.form.checks import (
    SOURCES,
    check,
    check_settings,
    has_one_source,
    kind_of,
)
from dirac_prodsys.communities.ctao.form.form import (
    CtaoStep,
    Extras,
    StepExtras,
    number_of,
    outline,
)
from dirac_prodsys.communities.ctao.types.job_types import PREFIX, CtaoType, ctao_type
from dirac_prodsys.core import naming
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import InputSpec, Step
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionError

#: names for a step without a type, or without an ID: no real step is named so
_UNKNOWN, _UNNUMBERED = "unknown", "unnumbered"

#: VO of the files if ``base_path`` does not name one
VO = "ctao"


def read(document: Document, problems: Problems) -> tuple[Production | None, frozenset[str]]:
    """Return the production that the file describes, and the names of steps that cannot be read."""
    file, wrong = outline(document, problems)
    if file is None:
        return None, frozenset()
    kinds = {
        index: kind_of(index, entry.config, problems)
        for index, entry in file.entries.items()
        if entry.config is not None
    }
    check(file, problems)
    common = {k: v for k, v in (file.common or {}).items() if v is not None}
    names = _names(document.data)
    extras = file.prodsys
    steps: dict[int, Step] = {}
    included = companions.Companions(document, problems)
    for index, entry in sorted(file.entries.items(), key=lambda item: item[1].number or 0):
        kind, written = kinds.get(index), entry.config
        if written is None:
            continue
        config = included.complete(index, written)
        if kind is None:
            continue
        step = file.written.get(index)
        follows = step is not None and has_one_source(step.input_meta_query, step.ID, names)
        if step is not None and follows and step.ID not in steps and file.common is not None:
            steps[step.ID] = _step(step, kind, names, config, common, extras, problems)
        else:  # its settings can be checked, whatever it takes
            known = None if file.common is None else common
            check_settings(index, kind, config, known, problems)
    vo = extras.vo or _vo(common.get("base_path"))
    if isinstance(common.get("base_path"), str):
        with problems.at("Common", "base_path"):
            naming.check_directory(common["base_path"].rstrip("/"), vo)
    production = Production(
        name=extras.name or _stem(document.file),
        vo=vo,
        description=extras.description,
        connection=extras.connection,
        tags=extras.tags,
        links=extras.links,
        steps=tuple(steps.values()),
        dialect=COMMUNITY.name,
        source=included.complete_text(),
        file=document.file,
    )
    unread = {name for number, name in names.items() if number not in steps}
    return production, frozenset(unread | ({_UNNUMBERED} if wrong else set()))


def place(path: Path, document: Document) -> Path:
    """Return the place in the file for ``path`` in the plan."""
    return places.written(path, document.data["ProdSteps"], _names(document.data))


def _names(data: Mapping[str, Any]) -> dict[int, str]:
    """Return ID → step name; steps with an unreadable type are counted, too."""
    names: dict[int, str] = {}
    numbered = [(n, step) for step in data["ProdSteps"] if (n := number_of(step)) is not None]
    for count, (number, step) in enumerate(sorted(numbered, key=lambda pair: pair[0]), 1):
        names.setdefault(number, f"Step{count}_{_suffix(step)}")
    return names


def _suffix(step: Mapping[str, Any]) -> str:
    """Return a step's name after its number; a word of ours if the file has none."""
    config = step.get("job_config")
    kind = config.get("type") if isinstance(config, Mapping) else None
    written = step.get("name")
    if isinstance(written, str) and written:
        return written
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
    query = {k: v for k, v in step.input_meta_query.items() if v is not None}
    for key in SOURCES:
        if not query.get(key):
            query.pop(key, None)
    if kind.simulation and not query:
        return None
    parent = query.get("parentID")
    return InputSpec(
        steps=() if parent is None else (names[parent],),
        dataset=query.get("dataset"),
        where={k: v for k, v in query.items() if k not in SOURCES},
    )


def _stem(file: str) -> str:
    name = file.rpartition("/")[2]
    for ending in (".yaml", ".yml"):
        name = name.removesuffix(ending)
    return name


def _vo(base_path: Any) -> str:
    parts = base_path.split("/") if isinstance(base_path, str) else []
    return parts[1] if len(parts) > 1 and parts[0] == "" and parts[1] else VO
