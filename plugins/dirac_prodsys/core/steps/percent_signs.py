"""``%`` in values of files' metadata: with one, DIRAC's catalogue answers no query.

``FileMetadata.__findFilesByMetadata`` fills the names of tables into conditions that hold the
values already (``condition % table``), so that a ``%`` of a value is taken for a place to fill. A
value can be stored, and no condition can name it. Directories are looked up in another way, which
takes it (``DirectoryMetadata.__findSubdirByMeta``).

Invariant: pure; a condition on a field of directories is never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dirac_prodsys.core.models import say
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import Step


def words(field: str, value: object) -> tuple[str, str]:
    """Why that value cannot be asked for, and the way out."""
    reason = (
        f"{say(value)} holds a %, and {field} is a field of files: DIRAC's catalogue answers no "
    )
    return f"{reason}query with it", "write it otherwise, such as 50pct"


def check_values(metadata: Mapping[str, Any], path: Path, problems: Problems) -> None:
    """Note values that files would carry and that nobody could ask for."""
    for field, said in metadata.items():
        for value in _with_sign(said):
            reason, hint = words(field, value)
            problems.add((*path, field), reason, hint, code="text")


def check(production: Production, step: Step, path: Path, problems: Problems) -> None:
    """Note conditions of a step that DIRAC could not answer, or not if the field is one of files.

    :param path: of the step.
    """
    asked: dict[Path, Mapping[str, Any]] = {}
    if step.input is not None:
        asked[*path, "input", "where"] = step.input.where
    if step.dataset is not None:
        asked[*path, "dataset", "where"] = step.dataset.where
    for where, conditions in asked.items():
        for field, condition in conditions.items():
            for value in _with_sign(condition):
                _check_one((*where, field), field, value, production, problems)


def _check_one(
    path: Path, field: str, value: str, production: Production, problems: Problems
) -> None:
    outputs = [step.output for step in production.steps if step.output is not None]
    if any(field in output.file_metadata for output in outputs):
        reason, hint = words(field, value)
        problems.add(path, reason, hint, code="condition")
    elif not any(field in output.metadata for output in outputs):
        problems.remark(
            path,
            f"{say(value)} holds a %: if {field} is a field of files, DIRAC's catalogue answers no "
            "query with it",
            "ask the catalogue with lint --live, or select by another field",
            code="percent-sign",
        )


def _with_sign(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        if "%" in said:
            yield said
    elif isinstance(said, Mapping):
        for entry in said.values():
            yield from _with_sign(entry)
    elif isinstance(said, list | tuple):
        for entry in said:
            yield from _with_sign(entry)
