"""Recognises CTAO's form, ``ProdSteps`` and ``Common``: unchanged files of ``cta-prod-submit``.

``reading`` decides what such a file does not say. It takes time to load, so it is imported only for
such a file.
"""

from __future__ import annotations

from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionError


def matches(data: dict[str, object]) -> bool:
    """Recognise the form by ``ProdSteps``, or by ``Common`` if the native form is not meant."""
    return "ProdSteps" in data or ("Common" in data and "steps" not in data)


def prepare(document: Document) -> tuple[Document, list[DefinitionError]]:
    """Return the document unchanged: such a file has no parts elsewhere."""
    return document, []


def read(document: Document, problems: Problems) -> tuple[Production | None, frozenset[str]]:
    """Return the production that the file describes, and the names of steps that cannot be read."""
    from dirac_prodsys.communities.ctao.form import reading

    return reading.read(document, problems)


def place(path: Path, document: Document) -> Path:
    """Return the place in the file for ``path`` in the plan."""
    from dirac_prodsys.communities.ctao.form import reading

    return reading.place(path, document)
