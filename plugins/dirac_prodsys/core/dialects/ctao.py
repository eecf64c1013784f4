"""CTAO's form, ``ProdSteps`` and ``Common``: the files of ``cta-prod-submit``, as they are.

What such a file does not say is decided in ``core/ctao/reading.py``, which costs time to load: only
who has such a file pays.
"""

from __future__ import annotations

from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionError


def matches(data: dict[str, object]) -> bool:
    """``ProdSteps`` tells this form; so does ``Common`` where the native form is not meant."""
    return "ProdSteps" in data or ("Common" in data and "steps" not in data)


def prepare(document: Document) -> tuple[Document, list[DefinitionError]]:
    """Nothing of such a file stands elsewhere."""
    return document, []


def read(document: Document, problems: Problems) -> tuple[Production | None, frozenset[str]]:
    """The production that the file describes, and the names of steps that could not be read."""
    from dirac_prodsys.core.ctao import reading

    return reading.read(document, problems)


def place(path: Path, document: Document) -> Path:
    """Where in the file that is written which stands at ``path`` in the plan."""
    from dirac_prodsys.core.ctao import reading

    return reading.place(path, document)
