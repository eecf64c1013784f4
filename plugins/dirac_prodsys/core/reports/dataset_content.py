"""Says what a dataset holds: files and bytes, by storage element and by run, and what is missing.

Counted by file: sums of directories are wrong for a dataset that takes only some files of one.

Invariant: pure; every file that the dataset holds is counted once, and once at each place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from dirac_prodsys.core.grid.catalogue_files import CatalogueFile

#: ranges that a text shows of many
_SHOWN = 20


@dataclass(frozen=True)
class Share:
    """Some files of a dataset.

    :param what: a storage element, a range of runs, or another value of a metadata field.
    :param size: bytes.
    """

    what: str
    files: int
    size: int


@dataclass(frozen=True)
class StepOutput:
    """The files that a step made, or those of its dataset.

    :param bytes: size of all files, each counted once.
    :param places: by storage element; a file with two replicas is in two.
    :param events: number of events in them; None: unknown.
    """

    files: int
    bytes: int
    places: tuple[Share, ...] = ()
    events: int | None = None


@dataclass(frozen=True)
class ByValue:
    """The files of a dataset by a metadata field of files.

    :param shares: one for each range of integers without a gap, in order, then one for each
        other value.
    :param gaps: the numbers between the first and the last that no file has, as ranges.
    :param without: number of files that have no value.
    """

    field: str
    shares: tuple[Share, ...] = ()
    gaps: tuple[str, ...] = ()
    without: int = 0


@dataclass(frozen=True)
class DatasetContent:
    """What a dataset holds now.

    :param query: in DIRAC's form.
    :param files: number of files that it holds and the catalogue has.
    :param size: bytes of them, each file once.
    :param counted: number of files when the catalogue last counted them; for a frozen one, when it
        was frozen.
    :param counted_size: their bytes then.
    :param places: by storage element; a file with two replicas is in two.
    :param without_replica: the files that no storage element has.
    :param by: by the values of a field; None: not asked for.
    """

    name: str
    query: Mapping[str, Any]
    frozen: bool
    annotation: str
    owner: str
    created: str
    files: int
    size: int
    counted: int
    counted_size: int
    places: tuple[Share, ...] = ()
    without_replica: tuple[str, ...] = ()
    by: ByValue | None = None
    lfns: tuple[str, ...] = field(default=(), repr=False)

    @property
    def missing(self) -> int:
        """Return how many files a frozen dataset has lost."""
        return max(0, self.counted - self.files) if self.frozen else 0

    def to_dict(self, *, files: Mapping[str, CatalogueFile] | None = None) -> dict[str, Any]:
        """Return the JSON form.

        :param files: the files to list; None: they are not listed.
        """
        made = asdict(self)
        del made["lfns"]
        made["missing"] = self.missing
        if files is not None:
            made["list"] = [
                {
                    "lfn": lfn,
                    "size": files[lfn].size,
                    "checksum": files[lfn].checksum,
                    "places": list(files[lfn].places),
                }
                for lfn in self.lfns
            ]
        return made


def by_place(files: Iterable[CatalogueFile]) -> tuple[Share, ...]:
    """Return number and bytes of the replicas at each storage element, sorted by its name."""
    found: dict[str, list[int]] = {}
    for one in files:
        for place in one.places:
            found.setdefault(place, []).append(one.size)
    return tuple(Share(place, len(sizes), sum(sizes)) for place, sizes in sorted(found.items()))


def by_value(files: Collection[CatalogueFile], name: str) -> ByValue:
    """Return the files by the values of a metadata field of files.

    :param name: the field, such as that of run numbers. Texts that are integers count as such.
    """
    numbers: dict[int, list[int]] = {}
    words: dict[str, list[int]] = {}
    without = 0
    for one in files:
        value = one.metadata.get(name)
        if value is None or value == "":
            without += 1
        elif (number := _integer(value)) is not None:
            numbers.setdefault(number, []).append(one.size)
        else:
            words.setdefault(str(value), []).append(one.size)
    spans = list(_spans(sorted(numbers)))
    shares = []
    for first, last in spans:
        sizes = [size for number in range(first, last + 1) for size in numbers[number]]
        shares.append(Share(_span(first, last), len(sizes), sum(sizes)))
    shares += [Share(value, len(sizes), sum(sizes)) for value, sizes in sorted(words.items())]
    gaps = [_span(before + 1, after - 1) for (_, before), (after, _) in pairwise(spans)]
    return ByValue(name, tuple(shares), tuple(gaps), without)


def run_ranges(files: Collection[CatalogueFile], fields: Iterable[str]) -> tuple[str, ...]:
    """Return the run numbers of files as ranges without gaps; as one range, if there are many.

    :param fields: metadata fields that may have them; the first that any file has is taken.
    """
    for name in fields:
        numbers = sorted(
            {number for one in files if (number := _integer(one.metadata.get(name))) is not None}
        )
        spans = list(_spans(numbers))
        if len(spans) > _SHOWN:
            return (_span(numbers[0], numbers[-1]),)
        if spans:
            return tuple(_span(first, last) for first, last in spans)
    return ()


def shown(texts: Collection[str]) -> str:
    """Return texts as a list of which a person reads the beginning only."""
    first = ", ".join(list(texts)[:_SHOWN])
    return f"{first} and {len(texts) - _SHOWN:,} more" if len(texts) > _SHOWN else first


def in_bytes(size: int) -> str:
    """Write a number of bytes: ``48.0 TB``, ``1.2 GB``, ``900 B``; a TB has 10¹² bytes."""
    for unit, power in (("TB", 12), ("GB", 9), ("MB", 6), ("kB", 3)):
        if size >= 10**power:
            return f"{size / 10**power:,.1f} {unit}"
    return f"{size} B"


def _integer(value: Any) -> int | None:
    if isinstance(value, int):
        return value
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None


def _spans(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each range without a gap."""
    begin = 0
    for index, number in enumerate(numbers):
        if index + 1 == len(numbers) or numbers[index + 1] != number + 1:
            yield numbers[begin], number
            begin = index + 1


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
