"""Finds the value of each input of a step: of several sources, of a default, of an expression.

Invariant: what cannot be known now and is no file of a step is refused at its place, or left to the
job, where ``cwltool`` evaluates it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.communities.cwl.document.process import Link
from dirac_prodsys.communities.cwl.form.expressions import (
    NotEvaluated,
    evaluate,
    is_expression,
    operands,
)
from dirac_prodsys.communities.cwl.form.values import Asked, Known, Listed, Made, Value
from dirac_prodsys.core.language.located import Located, Mistakes
from dirac_prodsys.errors import DefinitionError

#: code of what no grid can do between two steps
BETWEEN = "cwl-between-steps"
#: the way out of nearly everything
ONE_JOB = "keep these steps in one job: make them a sub-workflow"
#: names in a reason, and how many mistakes of a kind are told in words
_QUOTED, _SHOWN = re.compile(r"'[^']*'"), 3


class Refused(Exception):
    """Something cannot be mapped; the mistake is noted."""


def refuse(
    mistakes: Mistakes, where: Located, reason: str, hint: str = ONE_JOB, code: str = BETWEEN
) -> Refused:
    """Note a mistake, and return what to raise."""
    mistakes.add(where, reason, hint, code=code)
    return Refused()


def together(found: Sequence[DefinitionError]) -> list[DefinitionError]:
    """Return the mistakes, those of one kind as one: its first place, and the others in words.

    Two steps that ask for the same are mended alike, mostly by one change of the workflow.
    """
    kinds: dict[tuple[str, str], list[DefinitionError]] = {}
    for error in found:
        kinds.setdefault((error.code, _QUOTED.sub("", error.reason)), []).append(error)
    return [_as_one(alike) for alike in kinds.values()]


def _as_one(alike: list[DefinitionError]) -> DefinitionError:
    first, *others = alike
    if not others:
        return first
    more = [f"{error.reason} (line {error.line})" for error in others[:_SHOWN]]
    if len(others) > _SHOWN:
        more.append(f"{len(others) - _SHOWN} more")
    return first.another(f"{first.reason}; likewise {'; '.join(more)}", first.hint, first.code)


def value_of(link: Link, around: Mapping[str, Value], words: str, mistakes: Mistakes) -> Value:
    """Return what flows along a link, before its ``valueFrom``.

    :param around: the values of the workflow, by source.
    :param words: what the link leads to, in words.
    :raises Refused: no value.
    """
    found = [around[source.text] for source in link.sources]
    merged = len(found) > 1 or bool(link.merge)
    if link.pick:
        return _picked(link, found, words, mistakes)
    if not found:
        return _default(link)
    if not merged:
        value = found[0]
        return _default(link) if isinstance(value, Known) and value.value is None else value
    return _merged(link, found, words, mistakes)


def _default(link: Link) -> Value:
    default = link.default
    return Known(None if default is None else default.plain(), default or link.where)


def _picked(link: Link, found: list[Value], words: str, mistakes: Mistakes) -> Value:
    some = [v for v in found if not (isinstance(v, Known) and v.value is None)]
    if link.pick == "all_non_null":
        if not some:
            return Known([], link.where)
        if len(some) == 1 and isinstance(some[0], Known) and isinstance(some[0].value, list):
            return Known([v for v in some[0].value if v is not None], link.where)
        return _merged(link, some, words, mistakes)
    if not some or (link.pick == "the_only_non_null" and len(some) > 1):
        several = "several" if some else "none"
        reason = f"{words} picks one of its sources, and {several} of them run"
        raise refuse(mistakes, link.where, reason, "see its `when`, and that of the sources")
    return some[0]


def _merged(link: Link, found: list[Value], words: str, mistakes: Mistakes) -> Value:
    flat = link.merge == "merge_flattened"
    if all(isinstance(value, Known) for value in found):
        values: list[Any] = [v.value for v in found if isinstance(v, Known)]
        if flat:
            values = [e for v in values for e in (v if isinstance(v, list) else [v])]
        return Known(values, link.where)
    if all(isinstance(value, Made) for value in found):
        made = [value for value in found if isinstance(value, Made)]
        if not flat and any(value.depth for value in made):
            reason = f"{words} nests the files of each source in a list of its own"
            hint = f"write linkMerge: merge_flattened, or {ONE_JOB}"
            raise refuse(mistakes, link.where, reason, hint)
        return Made(tuple(by for value in made for by in value.by), 1, link.where)
    reason = f"{words} mixes files of steps with other values"
    raise refuse(mistakes, link.where, reason, f"take them as inputs of their own, or {ONE_JOB}")


def with_expression(
    link: Link, value: Value, inputs: Mapping[str, Value], library: tuple[str, ...]
) -> Value | None:
    """Return the value after ``valueFrom``; None: only the job can know it."""
    written = link.value_from
    if written is None:
        return value
    if not is_expression(written.value):
        return Known(written.value, written)
    text = str(written.value)
    named, needs_self = operands(text)
    needed = [inputs[n] for n in (inputs if named is None else named) if n in inputs]
    needed += [value] if needs_self else []
    if "runtime" in text or not all(isinstance(one, Known) for one in needed):
        return None
    known = {name: one.value for name, one in inputs.items() if isinstance(one, Known)}
    own = value.value if isinstance(value, Known) else None
    try:
        return Known(evaluate(text, known, own, library), written)
    except NotEvaluated:
        return None


def holds(
    when: Located,
    inputs: Mapping[str, Value],
    library: tuple[str, ...],
    words: str,
    mistakes: Mistakes,
) -> bool:
    """Return whether a step runs.

    :raises Refused: that is not known now.
    """
    text = str(when.value)
    named, _ = operands(text)
    for name in inputs if named is None else sorted(named):
        value = inputs.get(name)
        if isinstance(value, Made | Listed):
            reason = f"whether {words} runs depends on files ({name!r}), which no one has read then"
            hint = (
                "write a hint dirac:Transformation with wait_for: [{value: {file: LFN, when: …}}], "
                f"or {ONE_JOB}"
            )
            raise refuse(mistakes, when, reason, hint)
        if isinstance(value, Asked):
            reason = f"whether {words} runs depends on {name!r}, which each run may choose"
            raise refuse(mistakes, when, reason, "give the value under cwl: {inputs: …}")
    known = {name: v.value for name, v in inputs.items() if isinstance(v, Known)}
    try:
        found = evaluate(text, known, None, library)
    except NotEvaluated as error:
        reason = f"whether {words} runs cannot be evaluated: {error.reason}"
        raise refuse(mistakes, when, reason, "write when: $(inputs.name)") from None
    if not isinstance(found, bool):
        reason = f"whether {words} runs is {str(found)[:80]!r}, and neither true nor false"
        raise refuse(mistakes, when, reason, "let the expression be true or false")
    return found
