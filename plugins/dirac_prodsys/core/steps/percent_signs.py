"""Notes ``%`` in values of files' metadata: DIRAC's catalogue answers no query with one.

``FileMetadata.__findFilesByMetadata`` fills table names into conditions that already contain the
values (``condition % table``), so that a ``%`` in a value is taken for a format. Such a value can
be stored, but no condition can name it. Directories are looked up in another way, which accepts it
(``DirectoryMetadata.__findSubdirByMeta``).

Invariant: pure; a condition on a field of directories is never reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dirac_prodsys.core.models import spelled
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.steps.context import StepContext


def words(field: str, value: object) -> tuple[str, str]:
    """Say why a condition cannot name that value, and the way out."""
    reason = f"{spelled(value)} holds a %, and {field} is a field of files"
    return (
        f"{reason}: DIRAC's catalogue answers no query with it",
        "write it otherwise, such as 50pct",
    )


def check_values(metadata: Mapping[str, Any], path: Path, problems: Problems) -> None:
    """Note values of files that no condition could name."""
    for field, written in metadata.items():
        for value in _with_sign(written):
            reason, hint = words(field, value)
            problems.add((*path, field), reason, hint, code="text")


def check(context: StepContext) -> None:
    """Note conditions that DIRAC cannot answer, or cannot if the field is one of files."""
    step = context.step
    asked: dict[str, Mapping[str, Any]] = {}
    if step.input is not None:
        asked["input"] = step.input.where
    if step.dataset is not None:
        asked["dataset"] = step.dataset.where
    for part, conditions in asked.items():
        for field, condition in conditions.items():
            for value in _with_sign(condition):
                _check_one(field, value, context.below(part, "where", field))


def _check_one(field: str, value: str, here: StepContext) -> None:
    outputs = [step.output for step in here.production.steps if step.output is not None]
    if any(field in output.file_metadata for output in outputs):
        reason, hint = words(field, value)
        here.add((), reason, hint, code="condition")
    elif not any(field in output.metadata for output in outputs):
        here.problems.remark(
            here.path,
            f"{spelled(value)} holds a %: if {field} is a field of files, DIRAC's catalogue "
            "answers no query with it",
            "ask the catalogue with lint --live, or select by another field",
            code="percent-sign",
        )


def _with_sign(written: Any) -> Iterator[str]:
    if isinstance(written, str):
        if "%" in written:
            yield written
    elif isinstance(written, Mapping):
        for entry in written.values():
            yield from _with_sign(entry)
    elif isinstance(written, list | tuple):
        for entry in written:
            yield from _with_sign(entry)
