"""The forms in which a production may be written: one file per dialect, found by being here.

A dialect's module has ``matches(data)``, which tells it by its keys, ``read(document, problems)``,
which makes a ``Production`` of it, and ``place(path, document)``: problems that are found later, in
the plan, have paths of the native form, and it knows where that is written.

Invariant: what :func:`load_production` returns compiles: the whole plan was made once, for a run
whose name is as long as one can be.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from dirac_prodsys.core.language.matrix import once
from dirac_prodsys.core.naming import MAX_RUN_TAG
from dirac_prodsys.core.plan.compile import check
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Path, Problem, Problems, bounded_guesses
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.text import reader
from dirac_prodsys.core.text.characters import escapes, unprintable
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

#: tells a document of the Common Workflow Language, also one that is not YAML as it is taken here
_CWL = re.compile(r"""^\s*["']?cwlVersion["']?\s*:""", re.MULTILINE)

#: stands for the run while a file is only checked: no name can come out longer
DUMMY_RUN = "run-".ljust(MAX_RUN_TAG, "x")
#: what a file writes where the run is to stand
RUN = "${{ run }}"


class Dialect(Protocol):
    """A module of this folder."""

    def matches(self, data: dict[str, object]) -> bool:
        """Whether a file with these top-level keys is written in this dialect."""

    def prepare(self, document: Document) -> tuple[Document, list[DefinitionError]]:
        """The document with all that it says in a short form written out, and what is wrong there.

        :raises DefinitionErrors: another file that it is made of cannot be read.
        """

    def read(
        self, document: Document, problems: Problems
    ) -> tuple[Production | None, frozenset[str]]:
        """The production, and the names of the steps that could not be read; mistakes are noted.

        None if not even its name is known.
        """

    def place(self, path: Path, document: Document) -> Path:
        """Where in the file that is written which stands at ``path`` in the native form."""


@dataclass(frozen=True)
class Reading:
    """What came of reading one file.

    :param production: None if not even its name is known.
    :param plan: of a run named :data:`DUMMY_RUN`; None if there are mistakes.
    :param mistakes: all of them, placed; a production with mistakes is not run.
    :param remarks: what else is worth telling, placed.
    """

    document: Document
    dialect: Dialect
    production: Production | None
    plan: ProductionPlan | None
    mistakes: tuple[DefinitionError, ...]
    remarks: tuple[DefinitionError, ...]

    def at_place(self, problem: Problem) -> DefinitionError:
        """A problem of the plan, whose path is that of the native form, at its place."""
        return _at_place(problem, self.dialect, self.document)


def load_production(
    text: str | bytes, file: str, *, beside: Callable[[str], str | None] | None = None
) -> Production:
    """Read a production, and prove it.

    :param text: the whole file.
    :param file: its name, for messages; in the dialect ``ctao`` it names the production.
    :param beside: reads another file of the same folder by its name, None if it is not there.
    :raises DefinitionErrors: all mistakes at once, each at its place.
    """
    reading = inspect(text, file, beside=beside)
    if reading.mistakes:
        raise DefinitionErrors(reading.mistakes)
    assert reading.production is not None  # noqa: S101  a dialect that reads nothing says why
    return reading.production


def inspect(
    text: str | bytes, file: str, *, beside: Callable[[str], str | None] | None = None
) -> Reading:
    """As :func:`load_production`, with all that was found out on the way.

    :raises DefinitionErrors: the file is neither YAML nor GraphML, or no production.
    """
    with bounded_guesses():
        return _inspect(text, file, beside)


def _inspect(text: str | bytes, file: str, beside: Callable[[str], str | None] | None) -> Reading:
    document, noted = _document(text, file)
    document = replace(document, beside=beside)
    if "cwlVersion" in document.data:
        raise DefinitionErrors([_cwl(file, document)])
    dialect = _dialect(document)
    document, early = dialect.prepare(document)
    problems, in_plan = Problems(), Problems()
    production, unread = dialect.read(document, problems)
    plan = None
    if production is not None:
        plan = check(production, DUMMY_RUN, in_plan, unread=unread)
    later = [
        *(document.error(problem) for problem in problems.found),
        *(_at_place(problem, dialect, document) for problem in in_plan.found),
    ]
    # what could not be filled in is wrong in more than one way, and told in one
    told = {(e.file, e.line, e.column) for e in early}
    found = [*early, *(e for e in later if (e.file, e.line, e.column) not in told)]
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
    """What stands in the file, whatever its form; and what is worth telling of that."""
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
        if _CWL.search(written):
            raise DefinitionErrors([_cwl(file)]) from None
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
    """The error with the run as the file writes it, and a word for characters that nobody sees."""
    error.reason = error.reason.replace(DUMMY_RUN, RUN)
    hidden = escapes(error.reason)
    if hidden and hidden not in error.hint:
        error.hint = f"{error.hint}; {hidden}: take it out, or write a plain blank"
    return error


def _with_blanks(error: DefinitionError, lines: list[str]) -> DefinitionError:
    """A mistake in YAML with a word for blanks that are none, in its line and the one before."""
    for number in (error.line - 1, error.line):
        if 1 <= number <= len(lines) and (hidden := unprintable(lines[number - 1].strip("\r\t"))):
            error.hint = f"{error.hint}; line {number} has {hidden}"
            break
    return error


def _once(errors: list[DefinitionError], document: Document) -> tuple[DefinitionError, ...]:
    """Each mistake once, though the dialect and the plan, or many branches, may have told it."""
    branches = document.branches
    told: dict[Any, DefinitionError] = {}
    for error in map(_in_words_of_the_file, errors):
        reason, hint = once(error.reason, branches), once(error.hint, branches)
        told.setdefault((error.file, error.line, error.column, reason, hint), error)
    return tuple(told.values())


@functools.cache
def _dialects() -> tuple[Dialect, ...]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(cast("Dialect", module) for module in modules)


def _cwl(file: str, document: Document | None = None) -> DefinitionError:
    reason = "this is a workflow in CWL (cwlVersion), a form that is not read"
    hint = "write its steps as a production: version: 1, production, steps"
    problem = Problem(("cwlVersion",), reason, hint, on_key=True, code="not-a-production")
    if document is not None:
        return document.error(problem)
    return DefinitionError(reason, hint, file=file, line=1, column=1, code=problem.code)


def _dialect(document: Document) -> Dialect:
    for dialect in _dialects():
        if dialect.matches(document.data):
            return dialect
    problem = Problem(
        (),
        "this is not a production: there is no key 'version', 'production' or 'steps'",
        "begin with 'version: 1'",
        code="not-a-production",
    )
    raise DefinitionErrors([document.error(problem)])
