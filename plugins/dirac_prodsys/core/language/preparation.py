"""From the file that was written to the file that was meant, step by step.

Invariant: the result depends on the files and on the values of the parameters alone, and is made
anew for each run from what was read once: no file is read a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dirac_prodsys.core.language import beside, resolved
from dirac_prodsys.core.language.located import Located, Mistakes, locate, written_out
from dirac_prodsys.core.yaml_document import Document
from dirac_prodsys.errors import DefinitionError


@dataclass(frozen=True)
class Prepared(Document):
    """A document with everything written out.

    :param tree: what stands in all its files, parameters not filled in.
    :param complete: the text of ``tree``: that of the file, unless others have a part in it.
    :param files: names of the files that it is made of.
    """

    tree: Located | None = None
    complete: str = ""
    files: tuple[str, ...] = ()


def prepare(document: Document) -> tuple[Prepared, list[DefinitionError]]:
    """The prepared document with the defaults of its parameters, and what is wrong with it.

    :raises DefinitionErrors: a file that it extends is not YAML.
    """
    mistakes = Mistakes(document.source)
    tree, files = beside.extended(document, mistakes)
    tree, lists = beside.with_lists(tree, document, mistakes)
    files = (*files, *lists)
    complete = document.source.text
    if len(files) > 1:
        complete = resolved.text_of(tree.plain(), files=files)
    made, found = instantiate(document, tree, {})
    prepared = Prepared(
        document.source, made.data, made.nodes, document.beside, tree, complete, files
    )
    return prepared, [*mistakes.found, *found]


def instantiate(
    document: Document, tree: Located, values: Mapping[str, Any]
) -> tuple[Document, list[DefinitionError]]:
    """The document that the tree becomes with these values of its parameters."""
    mistakes = Mistakes(document.source)
    return written_out(tree, document), mistakes.found


def whole_tree(document: Document) -> Located:
    """The tree of a document, prepared or not."""
    tree = document.tree if isinstance(document, Prepared) else None
    return tree if tree is not None else locate(document)
