"""Which fields a step asks for that gathers the outputs of many: few that tell them from others.

The exact join of the parents' queries (``meta_query.join``) wants every combination of the values
in which they differ. The branches of a matrix rarely have that: each has its own ``step``, and its
own values of the axes. But a production is finite: a query that selects more than the exact one
takes the same files, if no file of the production has what it selects more.

So the smallest set of fields is looked for that keeps all other outputs of the production apart,
and other runs and productions too: one of the fields names the run, and one the production where
there is such a field. A field that an output does not declare keeps it apart only where nothing
else does: its jobs might set that field.

Invariant: a query that comes out of here takes, of all files of the production, those of the parts
and no other; and no set of fewer fields does that in the same way. Ties: fewer values, then names.
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

#: the field that the planner adds to outputs that nothing else tells from others (an integer)
FIELD = "prodsys_gather"

#: sets of fields that are tried; if none of them will do, fields are left out one by one
_MOST_SETS = 20_000


@dataclass(frozen=True)
class Part:
    """What is taken of the files of one output.

    :param query: what these files fulfil: what the output says, and what somebody narrows it to.
    """

    output: Output
    query: MetaQuery

    @property
    def narrowed(self) -> frozenset[str]:
        """Fields by which not all files of the output are taken."""
        declared = self.output.all_query
        if self.query in (declared, self.output.query):
            return frozenset()
        return frozenset(f for f in self.query.fields if self.query.narrows(declared, f))


@dataclass(frozen=True)
class Conditions:
    """What could be asked for.

    :param of: field → the condition on it.
    :param required: fields that cannot be left out.
    """

    of: Mapping[str, MetaQuery]
    required: frozenset[str]


def part(output: Output, query: MetaQuery) -> Part | None:
    """What a query takes of an output; None: nothing."""
    whole = output.all_query if FIELD in query.fields else output.query
    try:
        return Part(output, whole.refine(query))
    except EmptyIntersection:
        return None


def choose(parts: Sequence[Part], masks: Masks, *, numbered: bool = False) -> MetaQuery | None:
    """The query that takes exactly these parts of a production; None: there is none.

    :param masks: of all outputs of the production.
    :param numbered: the outputs of the parts have :data:`FIELD`, to be asked for.
    """
    conditions = _conditions(parts, numbered=numbered)
    if conditions is None or not anchored(parts):
        return None
    of = conditions.of
    known = sorted(of, key=lambda name: (len(of[name].listed.get(name, ())), name))
    wanted = [fields for names in (anchors(parts), owners(parts)) if (fields := names & of.keys())]
    others = masks.all & ~masks.of(one.output.step for one in parts)
    sure = {name: masks.matching(name, of[name]) & others for name in known}
    # a job may set a field that its output does not declare, but never the planner's own
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
    """The fields that all outputs of the parts have, with values made of the run."""
    return frozenset.intersection(*(one.output.of_run for one in parts))


def anchored(parts: Sequence[Part]) -> bool:
    """Whether a condition that DIRAC can read back keeps the files of other runs apart."""
    fields = anchors(parts)
    of = _unions([one.query.only(*fields) for one in parts]) if fields else {}
    return any(condition_fits(query.to_dirac()[name]) for name, query in of.items())


def owners(parts: Sequence[Part]) -> frozenset[str]:
    """Fields that all outputs of the parts have, with values made of the production's name."""
    return frozenset.intersection(*(one.output.of_production for one in parts))


def _conditions(parts: Sequence[Part], *, numbered: bool) -> Conditions | None:
    """None: no conditions on single fields narrow all outputs as the parts are narrowed."""
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
    """Field → what all queries together want of it, where one condition says that."""
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
    """Whether these conditions take of each output what its parts take, and no other files."""
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
    """A list, or from the first to the last if the list is long and leaves none between out."""
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
    """The first smallest set of fields that leaves no other output, which all of them do not.

    :param known: the fields, in the order in which they are preferred.
    :param left: field → others that it does not keep apart.
    :param wanted: sets of fields, of each of which one is needed.
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
    """What is left of so many fields when each is dropped that can be, the last one first."""
    kept = list(names)
    for name in reversed(names):
        fewer = [other for other in kept if other != name]
        if enough(fewer):
            kept = fewer
    return kept
