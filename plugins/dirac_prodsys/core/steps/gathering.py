"""Chooses the fewest fields by which a step that gathers many outputs finds them and no others.

The exact join of the parents' queries (``meta_query.join``) requires every combination of the
values in which they differ. The branches of a matrix rarely have all: each has its own ``step``,
and its own values of the axes. But a production is finite: a query that selects more than the exact
one takes the same files if no file of the production matches the rest.

So this module looks for the smallest set of fields that excludes all other outputs of the
production, and other runs and productions too: one of the fields names the run, and one the
production if there is such a field. A field that an output does not declare excludes it only if no
other field does: its jobs might set that field.

Invariant: of all files of the production, a query made here takes those of the parts and no other;
and no set of fewer fields does so in the same way. Ties: fewer values, then names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, combinations, islice

from dirac_prodsys.core.limits import condition_fits
from dirac_prodsys.core.query import meta_query
from dirac_prodsys.core.query.condition import OneOf
from dirac_prodsys.core.query.meta_query import EmptyIntersection, MetaQuery
from dirac_prodsys.core.steps.output_masks import Masks
from dirac_prodsys.core.steps.outputs import Output
from dirac_prodsys.errors import MetaQueryError

#: the field (an integer) that the planner adds to outputs that nothing else separates from others
FIELD = "prodsys_gather"

#: maximum number of sets of fields that are tried; if none fits, fields are left out one by one
_MOST_SETS = 20_000


@dataclass(frozen=True)
class Part:
    """The files that are taken of one output.

    :param query: what these files match: the output's query, narrowed by who takes them.
    """

    output: Output
    query: MetaQuery

    @property
    def narrowed(self) -> frozenset[str]:
        """Return the fields that narrow the output."""
        declared = self.output.all_query
        if self.query in (declared, self.output.query):
            return frozenset()
        return frozenset(f for f in self.query.fields if self.query.narrows(declared, f))


@dataclass(frozen=True)
class Conditions:
    """The conditions to choose from.

    :param of: field → the condition on it.
    :param required: fields that cannot be left out.
    """

    of: Mapping[str, MetaQuery]
    required: frozenset[str]


def part(output: Output, query: MetaQuery) -> Part | None:
    """Return the files of an output that a query takes; None: it takes none."""
    made = output.all_query if FIELD in query.fields else output.query
    try:
        return Part(output, made.refine(query))
    except EmptyIntersection:
        return None


def choose(parts: Sequence[Part], masks: Masks, *, numbered: bool = False) -> MetaQuery | None:
    """Return the query that takes exactly these parts of a production; None: there is none.

    :param masks: masks of all outputs of the production.
    :param numbered: whether the outputs of the parts have :data:`FIELD`, to be used in the query.
    """
    conditions = _conditions(parts, numbered=numbered)
    if conditions is None or not anchored(parts):
        return None
    of = conditions.of
    known = sorted(of, key=lambda name: (len(of[name].listed.get(name, ())), name))
    wanted = [fields for names in (anchors(parts), owners(parts)) if (fields := names & of.keys())]
    others = masks.all & ~masks.of(one.output.step for one in parts)
    sure = {name: masks.matching(name, of[name]) & others for name in known}
    # a job may set a field that its output does not declare, but never the planner's own field
    silent = {name: 0 if name == FIELD else masks.silent(name) & others for name in known}
    strict = {name: sure[name] | silent[name] for name in known}
    declared = frozenset.intersection(*(frozenset(one.output.query.fields) for one in parts))
    loose = {name: sure[name] if name in declared else strict[name] for name in known}
    for left in (strict, loose):
        if known and _in_all(left.values()) == 0:
            found = MetaQuery()
            for name in _smallest(known, left, conditions.required, wanted):
                found = found.refine(of[name])
            return found
    return None


def anchors(parts: Sequence[Part]) -> frozenset[str]:
    """Return the fields that all outputs of the parts have, with values made of the run."""
    return frozenset.intersection(*(one.output.of_run for one in parts))


def anchored(parts: Sequence[Part]) -> bool:
    """Whether a condition that DIRAC can read back excludes the files of other runs."""
    fields = anchors(parts)
    of = _unions([one.query.only(*fields) for one in parts]) if fields else {}
    return any(condition_fits(query.to_dirac()[name]) for name, query in of.items())


def owners(parts: Sequence[Part]) -> frozenset[str]:
    """Return the fields of all outputs of the parts with values made of the production's name."""
    return frozenset.intersection(*(one.output.of_production for one in parts))


def _conditions(parts: Sequence[Part], *, numbered: bool) -> Conditions | None:
    """Return the conditions on single fields; None if none narrow all outputs as the parts do."""
    required = frozenset[str]().union(*(one.narrowed for one in parts))
    of = _unions([one.query for one in parts])
    if not required <= of.keys() or not _exact(parts, of, required):
        return None
    if numbered:
        numbers = {int(one.output.added[FIELD]) for one in parts}
        of[FIELD] = _of_numbers(numbers)
    of = {n: q for n, q in of.items() if n in required or condition_fits(q.to_dirac()[n])}
    return Conditions(of, required)


def _unions(queries: Sequence[MetaQuery]) -> dict[str, MetaQuery]:
    """Map each field to the union of all queries on it, if one condition expresses it."""
    found: dict[str, MetaQuery] = {}
    conditions = [query.conditions for query in queries]
    for name in queries[0].fields:
        some = dict.fromkeys(one.get(name) for one in conditions)
        lists = [one.values for one in some if isinstance(one, OneOf)]
        if len(some) == 1:
            found[name] = queries[0].only(name)
        elif len(lists) == len(some):
            found[name] = MetaQuery({name: OneOf(frozenset().union(*lists))})
    return found


def _exact(parts: Sequence[Part], of: Mapping[str, MetaQuery], required: frozenset[str]) -> bool:
    """Whether these conditions take exactly the files of the parts from each output."""
    if len({one.query.only(*required) for one in parts}) <= 1:
        return True
    box = MetaQuery()
    for name in sorted(required):
        box = box.refine(of[name])
    by_step: dict[str, list[Part]] = {}
    for one in parts:
        by_step.setdefault(one.output.step, []).append(one)
    for some in by_step.values():
        try:
            taken = meta_query.join(one.query.only(*required) for one in some)
        except MetaQueryError:
            return False
        if box.refine(some[0].output.query.only(*required)) != taken:
            return False
    return True


def _of_numbers(numbers: Collection[int]) -> MetaQuery:
    """Return a list of numbers, or a range if the list is long and has no gaps."""
    listed = {FIELD: sorted(numbers)}
    if condition_fits({"in": listed[FIELD]}) or max(numbers) - min(numbers) >= len(numbers):
        return MetaQuery.parse(listed)
    return MetaQuery.parse({FIELD: {">=": min(numbers), "<=": max(numbers)}})


def _smallest(
    known: Sequence[str],
    left: Mapping[str, int],
    required: frozenset[str],
    wanted: Sequence[Collection[str]],
) -> tuple[str, ...]:
    """Return the first smallest set of fields that excludes all other outputs, as all fields do.

    :param known: the fields, in the order of preference.
    :param left: field → other outputs that it does not exclude, as bits.
    :param wanted: sets of fields; one field of each set is needed.
    """
    free = [name for name in known if name not in required]

    def enough(some: Iterable[str]) -> bool:
        fields = {*required, *some}
        return all(fields.intersection(one) for one in wanted) and not _in_all(
            left[name] for name in fields
        )

    sets = chain.from_iterable(combinations(free, size) for size in range(1, len(free) + 1))
    for some in islice(sets, _MOST_SETS):
        if enough(some):
            return (*sorted(required), *some)
    return (*sorted(required), *_fewer(free, enough))


def _in_all(bits: Iterable[int]) -> int:
    return reduce(lambda one, other: one & other, bits)


def _fewer(names: Sequence[str], enough: Callable[[Iterable[str]], bool]) -> Sequence[str]:
    """Drop each field that is not needed, the last one first, and return the rest."""
    kept = list(names)
    for name in reversed(names):
        fewer = [other for other in kept if other != name]
        if enough(fewer):
            kept = fewer
    return kept
