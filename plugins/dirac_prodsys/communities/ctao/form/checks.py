"""Checks a file of CTAO's form before any step is planned: IDs, parents, unknown keys.

Invariant: every entry is checked, whatever else is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.ctao.form.form import Entry, Outline
from dirac_prodsys.communities.ctao.rules.remarks import AS_IN_JOB_CONFIG, DIFFERS
from dirac_prodsys.communities.ctao.types import settings
from dirac_prodsys.communities.ctao.types.job_types import CtaoType, ctao_type, known_keys
from dirac_prodsys.core.problems import Path, Problems, listed, nearest

#: keys of ``input_meta_query`` that are no conditions on files
SOURCES = ("parentID", "dataset")


def check(file: Outline, problems: Problems) -> None:
    """Check IDs, parents, and keys that would be ignored."""
    for index, entry in file.entries.items():
        if entry.number is not None and file.numbers[entry.number] > 1:
            reason = f"{file.numbers[entry.number]} steps have the ID {entry.number}"
            path: Path = ("ProdSteps", index, "ID")
            problems.add(path, reason, "give each its own", code="wrong-value")
        _check_sources(index, entry, file, problems)
    if sorted(file.numbers) != list(range(1, len(file.numbers) + 1)):
        problems.remark(
            ("ProdSteps", 0, "ID"),
            "parents are found by their ID",
            "CTADIRAC takes parentID for a position: number the steps 1, 2, 3 without gaps",
            code=DIFFERS,
        )
    _check_common(file.common or {}, problems)
    taken = {str(number): None for number in file.numbers}
    for number in file.prodsys.steps:
        if number not in taken:
            where: Path = ("prodsys", "steps", number)
            hint = nearest(number, taken)
            reason = f"there is no step with the ID {number}"
            problems.add(where, reason, hint, on_key=True, code="unknown-step")


def kind_of(index: int, config: Mapping[str, Any], problems: Problems) -> CtaoType | None:
    """Return the type of a job; None, with a problem noted, if it has no known type."""
    path: Path = ("ProdSteps", index, "job_config", "type")
    name = config.get("type")
    if not isinstance(name, str):
        hint = "add type: CtapipeProcessing"
        problems.add(path, "the job has no type", hint, on_key=True, code="missing-key")
        return None
    with problems.at(*path):
        return ctao_type(name)
    return None


def check_settings(
    index: int,
    kind: CtaoType,
    config: Mapping[str, Any],
    common: Mapping[str, Any] | None,
    problems: Problems,
) -> None:
    """Note settings of a step that cannot be part of the production.

    :param common: None: ``Common`` cannot be read, so missing settings may be there.
    """
    found = Problems()
    settings.read(kind, common or {}, config, ("ProdSteps", index, "job_config"), found)
    for one in found.found:
        if common is None and one.code == "missing-key":
            continue
        path = ("Common", *one.path[1:]) if one.path[:1] == ("common",) else one.path
        problems.add(path, one.reason, one.hint, on_key=one.on_key, code=one.code)


def has_one_source(query: Mapping[str, Any], number: int, known: Mapping[int, Any]) -> bool:
    """Check that the step's parent and dataset can be followed; if not, a problem is noted."""
    parent, dataset = (query.get(key) or None for key in SOURCES)
    if parent is not None and (isinstance(parent, bool) or not isinstance(parent, int)):
        return False
    found = parent is None or (parent in known and parent < number)
    return found and (dataset is None or (isinstance(dataset, str) and parent is None))


def _check_sources(index: int, entry: Entry, file: Outline, problems: Problems) -> None:
    source: Path = ("ProdSteps", index, "input_meta_query")
    parent, dataset = ((entry.query or {}).get(key) or None for key in SOURCES)
    if parent is not None and (isinstance(parent, bool) or not isinstance(parent, int)):
        hint = "name one step; several parents are expressed by a query that all of them match"
        reason = "should be the ID of one step"
        problems.add((*source, "parentID"), reason, hint, code="wrong-type")
    elif parent is not None and parent not in file.numbers:
        hint = listed(file.numbers)
        reason = f"there is no step with the ID {parent}"
        problems.add((*source, "parentID"), reason, hint, code="unknown-step")
    elif parent is not None and entry.number is not None and parent >= entry.number:
        reason = f"step {entry.number} cannot be fed by step {parent}"
        hint = "let the parent have the lower ID"
        problems.add((*source, "parentID"), reason, hint, code="unknown-step")
    if dataset is not None and not isinstance(dataset, str):
        reason = "should be the name of a dataset"
        problems.add((*source, "dataset"), reason, "quote it", code="wrong-type")
    elif parent is not None and dataset is not None:
        reason = "a step takes files from a parent or from a dataset, not both"
        hint = "drop one: CTADIRAC ignores the dataset"
        problems.add((*source, "dataset"), reason, hint, code="wrong-value")


def _check_common(common: Mapping[str, Any], problems: Problems) -> None:
    known = known_keys()
    for key, value in common.items():
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
