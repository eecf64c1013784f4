"""Describes what the steps of a production leave in the catalogue, and which files a query takes.

The files of a step carry the metadata of its directory and of all directories above it. A
production of a thousand steps has a million pairs of a query and an output, and nearly all are
excluded by one value: :class:`Candidates` finds the others without checking each pair.

Invariant: :meth:`Outputs.taken_by` yields an output if, and only if, a file of it may match.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from dirac_prodsys.core.grid.specs import MetaValue
from dirac_prodsys.core.query.condition import Missing
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.query.value import Value, compared

#: no condition
EVERYTHING = MetaQuery()


def above(directory: str) -> list[str]:
    """Return the directories above this one, the outermost first."""
    parts = directory.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts))]


@dataclass(frozen=True)
class Output:
    """What a step leaves in the catalogue, placeholders filled.

    :param metadata: metadata of the directory itself.
    :param query: what all its files match.
    :param files: the part of ``query`` that the files carry themselves.
    :param of_run: fields whose values are made of the run: no other run has them.
    :param of_production: fields whose values are made of the name of the production.
    :param added: metadata of the directory that the planner adds (``core/steps/gathering.py``).
    """

    step: str
    directory: str
    metadata: Mapping[str, MetaValue]
    query: MetaQuery
    files: MetaQuery = EVERYTHING
    of_run: frozenset[str] = frozenset()
    of_production: frozenset[str] = frozenset()
    added: Mapping[str, MetaValue] = dataclasses.field(default_factory=dict)

    @property
    def all_metadata(self) -> dict[str, MetaValue]:
        """Return all metadata of the directory itself."""
        return {**self.metadata, **self.added}

    @cached_property
    def all_query(self) -> MetaQuery:
        """Return the query, including what the planner adds."""
        return self.query.refine(MetaQuery.parse(self.added)) if self.added else self.query


class Candidates:
    """Outputs by the known values of their files, to exclude those that cannot match.

    :param values: name → field → its values as the database compares them; a field that is missing
        may have any value.
    """

    def __init__(self, values: Mapping[str, Mapping[str, Collection[Value]]]) -> None:
        self._values = {
            name: {field: frozenset(listed) for field, listed in known.items()}
            for name, known in values.items()
        }
        self._place = {name: number for number, name in enumerate(values)}
        self._having: dict[str, dict[Value, set[str]]] = {}
        self._saying: Counter[str] = Counter()
        for name, known in self._values.items():
            self._saying.update(known.keys())
            for field, listed in known.items():
                having = self._having.setdefault(field, {})
                for value in listed:
                    having.setdefault(value, set()).add(name)

    def of(self, query: MetaQuery, among: Set[str] | None = None) -> list[str]:
        """Return the names that no value excludes, in their own order.

        :param among: consider only these names.
        """
        among = self._values.keys() if among is None else among
        wanted = {f: values for f, values in query.listed_keys.items() if f in self._having}
        left: Iterable[str] = (name for name in among if name in self._values)
        if wanted:
            rarest = min(wanted, key=lambda field: self._count(field, wanted[field]))
            groups = self._groups(rarest, wanted.pop(rarest))
            silent = self._saying[rarest] < len(self._values)
            others = (n for n in left if rarest not in self._values[n]) if silent else ()
            left = chain((name for group in groups for name in group & among), others)
        fits = {name for name in left if self._fits(name, wanted)}
        return sorted(fits, key=self._place.__getitem__)

    def _groups(self, field: str, values: Collection[Value]) -> list[set[str]]:
        having = self._having[field]
        return [having[value] for value in values if value in having]

    def _count(self, field: str, values: Collection[Value]) -> int:
        silent = len(self._values) - self._saying[field]
        return silent + sum(map(len, self._groups(field, values)))

    def _fits(self, name: str, wanted: Mapping[str, frozenset[Value]]) -> bool:
        known = self._values[name]
        return not any(f in known and values.isdisjoint(known[f]) for f, values in wanted.items())


@dataclass(frozen=True)
class Outputs:
    """The outputs of all steps, by step name."""

    of: Mapping[str, Output]

    @cached_property
    def _candidates(self) -> Candidates:
        return Candidates(
            {
                step: {field: (compared(value),) for field, value in output.all_metadata.items()}
                for step, output in self.of.items()
            }
        )

    def taken_by(self, query: MetaQuery) -> Iterator[Output]:
        """Yield the outputs that may have a matching file."""
        for step in self._candidates.of(query, self._saying_all(query)):
            if self._takes_some(query, self.of[step]):
                yield self.of[step]

    def _saying_all(self, query: MetaQuery) -> set[str]:
        """Return the outputs whose files have all the fields that the query requires."""
        conditions = query.conditions.items()
        wanted = tuple(field for field, one in conditions if not isinstance(one, Missing))
        return self._having_all(wanted)

    @cached_property
    def _having_all(self) -> Callable[[tuple[str, ...]], set[str]]:
        """Return a cached function: fields → the outputs with all; many queries share it."""

        def found(fields: tuple[str, ...]) -> set[str]:
            having = sorted((self._having.get(field, set()) for field in fields), key=len)
            return set.intersection(*having) if having else set(self.of)

        return lru_cache(maxsize=16)(found)

    @cached_property
    def _having(self) -> dict[str, set[str]]:
        """Map each field to the outputs whose files have it."""
        found: dict[str, set[str]] = {}
        for step, output in self.of.items():
            for field in (*self.metadata_of(output), *output.files.fields):
                found.setdefault(field, set()).add(step)
        return found

    def _takes_some(self, query: MetaQuery, output: Output) -> bool:
        carried = self.metadata_of(output)
        if output.files.is_empty:
            return query.matches(carried)
        if not query.intersects(output.files):
            return False
        # any value fits a field on which the two agree
        agreed = set(output.files.fields)
        rest = [query.only(field) for field in query.fields if field not in agreed]
        return all(condition.matches(carried) for condition in rest)

    @cached_property
    def _at(self) -> dict[str, list[Output]]:
        found: dict[str, list[Output]] = {}
        for output in self.of.values():
            found.setdefault(output.directory, []).append(output)
        return found

    @cached_property
    def _inherited(self) -> dict[str, dict[str, MetaValue]]:
        """Cache: directory → the metadata of the directories above it."""
        return {}

    def metadata_of(self, output: Output) -> dict[str, MetaValue]:
        """Return the metadata that a step's files carry: those of all directories above them."""
        metadata = self._inherited.get(output.directory)
        if metadata is None:
            metadata = self._inherited[output.directory] = {}
            for directory in above(output.directory):
                for other in self._at.get(directory, ()):
                    metadata.update(other.all_metadata)
        return {**metadata, **output.all_metadata}
