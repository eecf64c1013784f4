"""Fills in ``${{ parameters.x }}`` and ``${{ matrix.x }}``; values keep their types.

Invariant: a placeholder that is the whole of a value leaves a value of its own type; one inside a
text leaves text. Nothing is ever computed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pydantic import ValidationError

from dirac_prodsys.core.language.located import Located, Mistakes
from dirac_prodsys.core.models import filled
from dirac_prodsys.core.problems import Path, nearest
from dirac_prodsys.core.production.parameters import Parameter, Scalar, as_text, check_name
from dirac_prodsys.errors import DefinitionError

#: keys below a step that decide the shape of the DAG, which is drawn before a run begins
_SHAPE: frozenset[Path] = frozenset(
    {
        ("type",),
        ("start",),
        ("matrix",),
        ("after",),
        ("input", "from"),
        ("job", "type"),
        ("policy", "flush"),
        ("approval",),
        ("on_cancel",),
    }
)
#: parts of a file that no run can change
_FIXED = frozenset(
    {"version", "extends", "production", "schedule", "parameters", "matrix", "types", "loops"}
)


def fill(
    tree: Located,
    namespace: str,
    values: Mapping[str, Scalar],
    mistakes: Mistakes,
    *,
    unknown: Callable[[str], str],
    fixed: Callable[[Path], bool] = lambda path: False,
) -> Located:
    """Return the tree with ``${{ namespace.name }}`` filled in.

    :param unknown: makes the hint about a name that has no value.
    :param fixed: whether nothing may be filled in at a path.
    """
    pattern = re.compile(rf"\$\{{\{{\s*{namespace}\.([^\s{{}}$]*)\s*\}}\}}")

    def value_of(name: str, where: Located) -> Scalar:
        if name in values:
            return values[name]
        mistakes.add(
            where,
            f"unknown placeholder ${{{{ {namespace}.{name} }}}}",
            unknown(name),
            code="placeholder",
        )
        return "unknown"

    def one(located: Located, path: Path) -> Located:
        text: str = located.value
        if not pattern.search(text):
            return located
        if fixed(path):
            mistakes.add(
                located,
                f"a parameter cannot decide this: {text!r}",
                "the DAG is drawn before a run begins: write the value itself",
                code="parameter",
            )
            return located.scalar("unknown")
        alone = pattern.fullmatch(text.strip())
        if alone:
            return located.scalar(filled(value_of(alone[1], located)))
        return located.scalar(pattern.sub(lambda m: as_text(value_of(m[1], located)), text))

    def walk(located: Located, path: Path) -> Located:
        value = located.value
        if isinstance(value, str):
            return one(located, path) if "${{" in value else located
        if isinstance(value, dict):
            entries = ((key, v, walk(v, (*path, key))) for key, v in value.items())
            changed = {key: new for key, old, new in entries if new is not old}
            return Located({**value, **changed}, located.node) if changed else located
        if isinstance(value, tuple):
            made = tuple(walk(v, (*path, i)) for i, v in enumerate(value))
            same = all(new is old for new, old in zip(made, value, strict=True))
            return located if same else Located(made, located.node)
        return located

    return walk(tree, ())


def parameters_of(
    tree: Located, mistakes: Mistakes
) -> tuple[dict[str, Parameter], dict[str, Scalar]]:
    """Return the parameters that a file declares, and values in place of wrong ones.

    Mistakes inside of them are reported by the model of the whole file.
    """
    declared = tree.get("parameters")
    found: dict[str, Parameter] = {}
    broken: dict[str, Scalar] = {}
    for name, entry in declared.items() if declared is not None else ():
        try:
            check_name(name)
        except DefinitionError as error:
            mistakes.add(entry, error.reason, error.hint, on_key=True, code="parameter")
        try:
            found[name] = Parameter.model_validate(entry.plain())
        except ValidationError:
            broken[name] = "value" if entry.text("type") in (None, "string", "choice") else 1
    return found, broken


def fill_parameters(
    tree: Located,
    values: Mapping[str, Scalar],
    mistakes: Mistakes,
) -> Located:
    """Return the tree with the values of the parameters filled in."""
    return fill(
        tree,
        "parameters",
        values,
        mistakes,
        unknown=lambda name: nearest(name, values),
        fixed=_is_fixed,
    )


def _is_fixed(path: Path) -> bool:
    if path[0] in _FIXED:
        return True
    shared = path[3:] if path[1:2] == ("by_type",) else path[1:]
    below = {"steps": path[2:], "defaults": shared}.get(str(path[0]), ())
    return any(below[: len(shape)] == shape for shape in _SHAPE)
