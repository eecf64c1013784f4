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
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, cast

from dirac_prodsys.core import yaml_source
from dirac_prodsys.core.naming import MAX_RUN_TAG
from dirac_prodsys.core.plan import check
from dirac_prodsys.core.problems import Path, Problem, Problems
from dirac_prodsys.core.production import Production
from dirac_prodsys.core.yaml_document import Document
from dirac_prodsys.errors import DefinitionErrors

#: stands for the run while a file is only checked: no name can come out longer
DUMMY_RUN = "run-".ljust(MAX_RUN_TAG, "x")


class Dialect(Protocol):
    """A module of this folder."""

    def matches(self, data: dict[str, object]) -> bool:
        """Whether a file with these top-level keys is written in this dialect."""

    def read(
        self, document: Document, problems: Problems
    ) -> tuple[Production | None, frozenset[str]]:
        """The production, and the names of the steps that could not be read; mistakes are noted.

        None if not even its name is known.
        """

    def place(self, path: Path, document: Document) -> Path:
        """Where in the file that is written which stands at ``path`` in the native form."""


def load_production(
    text: str | bytes, file: str, *, beside: Callable[[str], str | None] | None = None
) -> Production:
    """Read a production, and prove it.

    :param text: the whole file.
    :param file: its name, for messages; in the dialect ``ctao`` it names the production.
    :param beside: reads another file of the same folder by its name, None if it is not there.
    :raises DefinitionErrors: all mistakes at once, each at its place.
    """
    document = replace(yaml_source.parse(text, file), beside=beside)
    dialect = _dialect(document)
    problems = Problems()
    production, unread = dialect.read(document, problems)
    if production is not None:
        in_plan = Problems()
        check(production, DUMMY_RUN, in_plan, unread=unread)
        for found in in_plan.found:
            where = dialect.place(found.path, document)
            problems.add(where, found.reason, found.hint, on_key=found.on_key)
    if problems:
        raise DefinitionErrors(document.error(problem) for problem in problems.found)
    assert production is not None  # noqa: S101  a dialect that reads nothing says why
    return production


@functools.cache
def _dialects() -> tuple[Dialect, ...]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(cast("Dialect", module) for module in modules)


def _dialect(document: Document) -> Dialect:
    for dialect in _dialects():
        if dialect.matches(document.data):
            return dialect
    problem = Problem(
        (),
        "this is not a production: there is no key 'version', 'production' or 'steps'",
        "begin with 'version: 1'",
    )
    raise DefinitionErrors([document.error(problem)])
