"""Evaluates expressions of CWL whose operands are known when the production is drawn.

Parameter references (``$(inputs.x.basename)``) are evaluated here. Anything else is JavaScript: a
child asks cwl-utils, which runs Node, if all that the expression names is known, and if whoever
runs the reader allows it.

Invariant: no expression is evaluated when a DAG is parsed, for what is served holds none.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.cwl.document import validity

#: set to 1 by who runs the reader: the contexts of Node are no bar to an author who means harm
ALLOWED = "DIRAC_PRODSYS_CWL_JAVASCRIPT"
_SEGMENT = r"""\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]+\]|\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\]"""
_REFERENCE = re.compile(rf"\$\((?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>(?:{_SEGMENT})*)\)")
_PART = re.compile(_SEGMENT)
_NAMED = re.compile(r"""\binputs\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*["']([^"']+)["']\s*\])""")
_ANY = re.compile(r"\binputs\b")
_SELF = re.compile(r"\bself\b")
_RUNTIME = re.compile(r"\bruntime\b")


class NotEvaluated(Exception):
    """An expression has no value here.

    :param reason: why, in words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_expression(value: Any) -> bool:
    """Whether a value is text with an expression in it."""
    return isinstance(value, str) and ("$(" in value or "${" in value)


def operands(text: str) -> tuple[frozenset[str] | None, bool]:
    """Return the inputs that an expression names (None: all), and whether it needs ``self``.

    What needs ``runtime`` is known on the worker only, and counts as needing ``self``.
    """
    named = frozenset(a or b for a, b in _NAMED.findall(text))
    everything = len(_ANY.findall(text)) > len(_NAMED.findall(text))
    needs_self = bool(_SELF.search(text) or _RUNTIME.search(text))
    return (None if everything else named), needs_self


def evaluate(
    text: str, inputs: Mapping[str, Any], own: Any = None, library: tuple[str, ...] = ()
) -> Any:
    """Return the value of an expression.

    :param own: ``self``.
    :param library: JavaScript that expressions may use.
    :raises NotEvaluated: it has none here.
    """
    context = {"inputs": inputs, "self": own}
    whole = _REFERENCE.fullmatch(text.strip())
    if whole is not None and whole["name"] in context:
        return _follow(whole, context)
    left = _REFERENCE.sub("", text)
    if not is_expression(left):
        names = [found["name"] for found in _REFERENCE.finditer(text)]
        if all(name in context for name in names):
            return _REFERENCE.sub(lambda found: _text(_follow(found, context)), text)
    if not validity.Switch.on or not validity.installed():
        raise NotEvaluated("it is JavaScript, and cwl-utils is not installed here")
    if os.environ.get(ALLOWED) != "1":
        raise NotEvaluated(f"it is JavaScript, which is run here only with {ALLOWED}=1")
    asked = {"expression": text, "inputs": inputs, "self": own, "library": list(library)}
    answer = validity.ask("evaluate", json.dumps(asked, sort_keys=True))
    try:
        found = json.loads(answer)
    except ValueError:
        raise NotEvaluated(answer) from None
    if "value" not in found:
        raise NotEvaluated(" ".join(str(found.get("error")).split())[:300])
    return found["value"]


def _follow(found: re.Match[str], context: Mapping[str, Any]) -> Any:
    value = context[found["name"]]
    for part in _PART.findall(found["rest"]):
        key: Any = part[1:] if part.startswith(".") else part[2:-2]
        if part.startswith("[") and part[1].isdigit():
            key = int(part[1:-1])
        if isinstance(value, list) and key == "length":
            value = len(value)
        elif (isinstance(value, list) and isinstance(key, int) and key < len(value)) or (
            isinstance(value, Mapping) and key in value
        ):
            value = value[key]
        elif value is None:
            raise NotEvaluated(f"{found[0]} looks into null")
        else:
            raise NotEvaluated(f"{found[0]} leads nowhere: there is no {key!r}")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
