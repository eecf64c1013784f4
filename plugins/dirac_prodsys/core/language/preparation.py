"""Turns the file as written into the complete file, step by step.

Invariant: the result depends only on the files and on the values of the parameters, and is made
anew for each run from what was read once: no file is read a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.language import other_files
from dirac_prodsys.core.language.data_management import with_operations
from dirac_prodsys.core.language.derived_jobs import check_default, with_configurations, with_types
from dirac_prodsys.core.language.filling import fill_parameters, parameters_of
from dirac_prodsys.core.language.located import (
    Located,
    Mistakes,
    TooManyMistakes,
    written_out,
)
from dirac_prodsys.core.language.matrix import (
    MAX_STEPS,
    TOO_MUCH,
    Branches,
    too_big,
    with_branches,
)
from dirac_prodsys.core.language.shared import check_types, with_shared
from dirac_prodsys.core.production.parameters import values_for
from dirac_prodsys.core.text import writer
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionError, DefinitionErrors


@dataclass(frozen=True)
class Prepared(Document):
    """A document with everything written out.

    :param tree: the content of all its files, parameters not filled in.
    :param complete: the text of ``tree``: that of the file, unless it uses other files.
    :param files: names of the files that it is made of.
    """

    tree: Located | None = None
    complete: str = ""
    files: tuple[str, ...] = ()
    matrix: Branches = field(default_factory=Branches)

    @property
    def branches(self) -> Mapping[str, str]:
        """Map each branch of a step to the step as written, by name."""
        return self.matrix.written


def prepare(document: Document) -> tuple[Prepared, list[DefinitionError]]:
    """Prepare the document with the defaults of its parameters, and return what is wrong with it.

    :raises DefinitionErrors: a file that it extends is not YAML, or it has too many mistakes.
    """
    mistakes = Mistakes(document.source)
    try:
        return _prepare(document, mistakes)
    except TooManyMistakes:
        raise DefinitionErrors(mistakes.found) from None


def _prepare(document: Document, mistakes: Mistakes) -> tuple[Prepared, list[DefinitionError]]:
    tree, files = other_files.extended(document, mistakes)
    tree, lists = other_files.with_lists(tree, document, mistakes)
    tree, configurations = with_configurations(tree, document, mistakes)
    files = (*files, *lists, *configurations)
    complete = document.source.text
    if len(files) > 1 or document.rewritten:
        complete = writer.text_of(tree.plain(), files=files)
    prepared = Prepared(**{**vars(document), "tree": tree, "complete": complete, "files": files})
    made, found = _instantiate(prepared, tree, None, mistakes)
    return made, found


def instantiate(
    document: Prepared, values: Mapping[str, Any]
) -> tuple[Prepared, list[DefinitionError]]:
    """Return the document with these values of its parameters, and what is wrong with it.

    :raises DefinitionError: a value is not allowed.
    :raises DefinitionErrors: it has too many mistakes.
    """
    assert document.tree is not None  # noqa: S101  only prepare() makes documents of this kind
    mistakes = Mistakes(document.source)
    try:
        return _instantiate(document, document.tree, values, mistakes)
    except TooManyMistakes:
        raise DefinitionErrors(mistakes.found) from None


def _instantiate(
    document: Prepared, tree: Located, given: Mapping[str, Any] | None, mistakes: Mistakes
) -> tuple[Prepared, list[DefinitionError]]:
    """Fill in the parameters and write everything out.

    :param given: values of the run; None: each parameter has its default or example.
    """
    parameters, broken = parameters_of(tree, mistakes)
    if given is None:
        values = {name: parameter.example for name, parameter in parameters.items()}
    else:
        values = values_for(parameters, given)
    tree = fill_parameters(tree, {**broken, **values}, mistakes)
    check_default(tree, mistakes)
    tree = with_types(tree)
    check_types(tree, _types(tree), mistakes)
    tree = with_shared(tree, _types(tree))
    tree = with_operations(tree, mistakes)
    _check_extent(tree, mistakes)
    tree, matrix = with_branches(tree, mistakes)
    made = written_out(tree, document)
    assert isinstance(made, Prepared)  # noqa: S101  written_out keeps the kind of document
    return replace(made, matrix=matrix), mistakes.found


def _check_extent(tree: Located, mistakes: Mistakes) -> None:
    """Refuse a tree that would cost too much time; it is not looked at any further.

    :raises DefinitionErrors: it is too big.
    """
    steps = tree.get("steps")
    if steps is None:
        return
    count = sum(1 for _ in steps.items())
    if count > MAX_STEPS:
        reason, hint = f"there are {count:,} steps", f"{MAX_STEPS:,} are the most: split it up"
    elif too_big(steps):
        reason, hint = f"with common and defaults the steps come to {TOO_MUCH}", "split it up"
    else:
        return
    mistakes.add(steps, reason, hint, on_key=True, code="definition")
    raise DefinitionErrors(mistakes.found)


def _types(tree: Located) -> dict[str, bool]:
    """Map each type that a step may have, by name, to whether it needs input."""
    found = {name: kind.needs_input for name, kind in TRANSFORMATION_TYPES.items()}
    declared = tree.get("types")
    for name, entry in declared.items() if declared is not None else ():
        needs_input = entry.get("input")
        found[name] = needs_input is None or needs_input.value is not False
    return found
