"""Reads the forms in which a production may be written: the native one, and those of communities.

A dialect's module has ``matches(data)``, which recognises it by its keys, ``read(document,
problems)``, which makes a ``Production`` of it, and ``place(path, document)``: problems found
later, in the plan, have paths of the native form, and it finds where that is written.

Invariant: what :func:`load_production` returns compiles: the whole plan was made once, for a run
with the longest possible name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from dirac_prodsys.core import community
from dirac_prodsys.core.community import Community
from dirac_prodsys.core.language.matrix import once
from dirac_prodsys.core.naming import MAX_RUN_TAG
from dirac_prodsys.core.plan.compile import try_plan
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Path, Problem, Problems, bounded_guesses
from dirac_prodsys.core.production.production import NATIVE, Production
from dirac_prodsys.core.text import reader
from dirac_prodsys.core.text.characters import escapes, unprintable
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

#: replaces the run while a file is only checked: no name can be longer
DUMMY_RUN = "run-".ljust(MAX_RUN_TAG, "x")
#: what a file writes in place of the run
RUN = "${{ run }}"


class Dialect(Protocol):
    """The module of a form."""

    def matches(self, data: dict[str, object]) -> bool:
        """Whether a file with these top-level keys is written in this dialect."""

    def prepare(self, document: Document) -> tuple[Document, list[DefinitionError]]:
        """Return the document with all short forms written out, and what is wrong there.

        :raises DefinitionErrors: another file that it is made of cannot be read.
        """

    def read(
        self, document: Document, problems: Problems
    ) -> tuple[Production | None, frozenset[str]]:
        """Return the production, and the names of unreadable steps; mistakes are noted.

        None if not even its name is known.
        """

    def place(self, path: Path, document: Document) -> Path:
        """Return where in the file the part at ``path`` of the native form is written."""


@dataclass(frozen=True)
class Reading:
    """The result of reading one file.

    :param production: None if not even its name is known.
    :param plan: plan of a run named :data:`DUMMY_RUN`; None if there are mistakes.
    :param mistakes: all of them, with places; a production with mistakes is not run.
    :param remarks: other findings worth reporting, with places.
    """

    document: Document
    dialect: Dialect
    production: Production | None
    plan: ProductionPlan | None
    mistakes: tuple[DefinitionError, ...]
    remarks: tuple[DefinitionError, ...]

    def at_place(self, problem: Problem) -> DefinitionError:
        """Return a problem of the plan, with a path of the native form, at its place."""
        return _at_place(problem, self.dialect, self.document)


def load_production(
    text: str | bytes, file: str, *, read_sibling: Callable[[str], str | None] | None = None
) -> Production:
    """Read a production, and check it.

    :param text: the whole file.
    :param file: its name, for messages; in some forms it names the production.
    :param read_sibling: reads another file of the folder by its name, None if there is none.
    :raises DefinitionErrors: all mistakes at once, each at its place.
    """
    reading = inspect(text, file, read_sibling=read_sibling)
    if reading.mistakes:
        raise DefinitionErrors(reading.mistakes)
    assert reading.production is not None  # noqa: S101  a dialect that reads nothing says why
    return reading.production


def inspect(
    text: str | bytes, file: str, *, read_sibling: Callable[[str], str | None] | None = None
) -> Reading:
    """Do the same as :func:`load_production`, and return everything found on the way.

    :raises DefinitionErrors: the file is neither YAML nor GraphML, or not a production.
    """
    with bounded_guesses():
        try:
            return _inspect(text, file, read_sibling)
        except DefinitionError as error:  # what a community offers cannot be loaded
            placed = DefinitionError(error.reason, error.hint, file=file, line=1, column=1)
            raise DefinitionErrors([placed]) from error


def _inspect(
    text: str | bytes, file: str, read_sibling: Callable[[str], str | None] | None
) -> Reading:
    document, noted = _document(text, file)
    document = replace(document, read_sibling=read_sibling)
    dialect = _dialect(document)
    document, early = dialect.prepare(document)
    problems, in_plan = Problems(), Problems()
    production, unread = dialect.read(document, problems)
    plan = None
    if production is not None:
        plan = try_plan(production, DUMMY_RUN, in_plan, unread=unread)
    later = [
        *(document.error(problem) for problem in problems.found),
        *(_at_place(problem, dialect, document) for problem in in_plan.found),
    ]
    # what could not be filled in is wrong in several ways, and reported in one
    reported = {(e.file, e.line, e.column) for e in early}
    found = [*early, *(e for e in later if (e.file, e.line, e.column) not in reported)]
    remarks = [
        *noted,
        *(document.error(problem) for problem in problems.remarks),
        *(_at_place(problem, dialect, document) for problem in in_plan.remarks),
    ]
    return Reading(
        document,
        dialect,
        production,
        None if found else plan,
        _once(found, document),
        _once(remarks, document),
    )


def _document(text: str | bytes, file: str) -> tuple[Document, list[DefinitionError]]:
    """Return the content of the file, in any form, and what is worth reporting about it."""
    if _is_xml(text):
        from dirac_prodsys.core.language import graphml_reader  # costs time, and few draw

        return graphml_reader.parse(text, file)
    try:
        return reader.parse(text, file), []
    except DefinitionErrors as errors:
        if file.lower().endswith(".graphml"):
            from dirac_prodsys.core.language import graphml_reader

            raise graphml_reader.none_at_all(errors.errors[0]) from None
        written = text if isinstance(text, str) else text.decode("utf-8", "replace")
        lines = written.split("\n")
        raise DefinitionErrors([_with_blanks(error, lines) for error in errors.errors]) from None


def _is_xml(text: str | bytes) -> bool:
    """Whether it begins as no production in YAML does."""
    start = text[:1000]
    if isinstance(start, bytes):
        return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
    return start.removeprefix("\ufeff").lstrip().startswith("<")


def _at_place(problem: Problem, dialect: Dialect, document: Document) -> DefinitionError:
    path = dialect.place(problem.path, document)
    return document.error(problem if path == problem.path else replace(problem, path=path))


def _in_words_of_the_file(error: DefinitionError) -> DefinitionError:
    """Return the error with the run as written in the file, and invisible characters named."""
    error.reason = error.reason.replace(DUMMY_RUN, RUN)
    hidden = escapes(error.reason)
    if hidden and hidden not in error.hint:
        error.hint = f"{error.hint}; {hidden}: take it out, or write a plain blank"
    return error


def _with_blanks(error: DefinitionError, lines: list[str]) -> DefinitionError:
    """Return a mistake in YAML, naming characters that only look like blanks.

    They are looked for in its line and in the line before.
    """
    for number in (error.line - 1, error.line):
        if 1 <= number <= len(lines) and (hidden := unprintable(lines[number - 1].strip("\r\t"))):
            error.hint = f"{error.hint}; line {number} has {hidden}"
            break
    return error


def _once(errors: list[DefinitionError], document: Document) -> tuple[DefinitionError, ...]:
    """Return each mistake once: the dialect and the plan, or many branches, may report the same."""
    branches = document.branches
    kept: dict[Any, DefinitionError] = {}
    for error in map(_in_words_of_the_file, errors):
        reason, hint = once(error.reason, branches), once(error.hint, branches)
        kept.setdefault((error.file, error.line, error.column, reason, hint), error)
    return tuple(kept.values())


def _dialects(data: dict[str, object]) -> Iterator[Dialect]:
    """Yield the forms that a file with these keys may have; those of other packages come last."""
    yield from _offered(community.built_in(), data)
    yield cast("Dialect", importlib.import_module(f"{__name__}.{NATIVE}"))
    yield from _offered(community.installed(), data)


def _offered(some: Iterable[Community], data: dict[str, object]) -> Iterator[Dialect]:
    for one in some:
        if one.dialect and not data.keys().isdisjoint(one.form_keys):
            yield cast("Dialect", one.offered(one.dialect))


def _dialect(document: Document) -> Dialect:
    for dialect in _dialects(document.data):
        if dialect.matches(document.data):
            return dialect
    problem = Problem(
        (),
        "this is not a production: there is no key 'version', 'production' or 'steps'",
        "begin with 'version: 1'",
        code="not-a-production",
    )
    raise DefinitionErrors([document.error(problem)])
