"""Reads from a source what it imports."""

from __future__ import annotations

import ast
from collections.abc import Container


def imported(tree: ast.AST, known: Container[str]) -> set[str]:
    """Dotted names of all modules that a source imports, wherever the statement stands.

    :param known: names that are modules: ``from a import b`` imports ``a.b`` if that is one of
        them, and ``a`` otherwise.
    """
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            names = [f"{package}.{alias.name}" for alias in node.names]
            found |= {name if name in known else package for name in names}
    return found
