"""Compares a dataset with what it was when it was made, and says which files went or changed.

What was, is known from two sources. The catalogue keeps number, bytes and a checksum of the names,
from when it last counted; the list that the task of the dataset kept has every file with its size
and checksum. Without a list, files that went have no name: the catalogue forgets them.

Invariant: pure; a dataset of which nothing went and nothing changed :attr:`DatasetCheck.holds`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dirac_prodsys.core.grid.catalogue_files import CatalogueFile, ListedFile, list_checksum
from dirac_prodsys.core.text.wording import counted


@dataclass(frozen=True)
class Counted:
    """What the catalogue keeps of a dataset, from when it last counted its files.

    :param size: bytes.
    :param list_checksum: of the names (``core/grid/catalogue_files``).
    """

    files: int
    size: int
    list_checksum: str


@dataclass(frozen=True)
class ChangedFile:
    """A file that is not what it was.

    :param how: what it was, and what it is.
    """

    lfn: str
    how: str


@dataclass(frozen=True)
class DatasetCheck:
    """What became of the files of a dataset.

    :param was: number of files when it was made, or last counted.
    :param files: number of files that it holds now.
    :param gone: files that it held and the catalogue has no more.
    :param gone_unnamed: how many more there are, of which no list has the names.
    :param changed: files with another size or checksum, or registered again since.
    :param without_replica: files that no storage element has.
    :param came: files that its query finds now and that it did not hold.
    :param notes: what limits the comparison.
    :param size: bytes of the files that it holds now; None: unknown.
    """

    name: str
    frozen: bool
    was: int
    files: int
    gone: tuple[str, ...] = ()
    gone_unnamed: int = 0
    changed: tuple[ChangedFile, ...] = ()
    without_replica: tuple[str, ...] = ()
    came: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    size: int | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing went, and nothing changed."""
        bad = self.gone or self.gone_unnamed or self.changed or self.without_replica
        return not bad

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "holds": self.holds}

    def lines(self) -> Iterator[str]:
        """Yield the result in lines for a person, each file in a line of its own."""
        number = f"{counted(self.files, 'file')}, and {self.was:,} when it was made"
        yield f"{self.name}: {'holds' if self.holds else 'does not hold'}: {number}"
        for what, names in (
            ("gone", self.gone),
            ("without replica", self.without_replica),
            ("came since", self.came),
        ):
            yield from (f"  {what}: {lfn}" for lfn in names)
        if self.gone_unnamed:
            yield f"  gone: {counted(self.gone_unnamed, 'file')} whose names nobody kept"
        yield from (f"  changed: {one.lfn}: {one.how}" for one in self.changed)
        yield from (f"  note: {note}" for note in self.notes)


def check_dataset(
    name: str,
    was: Counted,
    held: Sequence[str],
    found: Collection[str],
    files: Mapping[str, CatalogueFile],
    listed: Sequence[ListedFile] | None,
    *,
    frozen: bool,
) -> DatasetCheck:
    """Compare what a dataset holds with what it held.

    :param was: what the catalogue counted.
    :param held: the files that it holds now.
    :param found: the files that its query finds now.
    :param files: those of ``held`` and ``listed`` that the catalogue has.
    :param listed: the list that was kept when it was made; None: there is none.
    """
    here = set(held)
    lost = tuple(sorted(lfn for lfn in here if lfn in files and not files[lfn].places))
    size = sum(files[lfn].size for lfn in here if lfn in files)
    if listed is None:
        came = tuple(sorted(set(found) - here)) if frozen else ()
        return DatasetCheck(
            name,
            frozen,
            was.files,
            len(here),
            gone_unnamed=max(0, was.files - len(here)),
            without_replica=lost,
            came=came,
            notes=tuple(_limits(was, here, files)),
            size=size,
        )
    then = {one.lfn: one for one in listed}
    notes = []
    if list_checksum(then) != was.list_checksum:
        notes.append(
            "the list that was kept is not that of the last count: the dataset was released, or "
            "counted again, since"
        )
    return DatasetCheck(
        name,
        frozen,
        len(then),
        len(here),
        gone=tuple(sorted(lfn for lfn in then if lfn not in files)),
        changed=tuple(_changes(then, here, files)),
        without_replica=lost,
        came=tuple(sorted((set(found) | here) - then.keys())),
        notes=tuple(notes),
        size=size,
    )


def _changes(
    then: Mapping[str, ListedFile], here: Collection[str], files: Mapping[str, CatalogueFile]
) -> Iterator[ChangedFile]:
    for lfn, one in sorted(then.items()):
        now = files.get(lfn)
        if now is None:
            continue
        parts = []
        if now.size != one.size:
            parts.append(f"{one.size:,} bytes, now {now.size:,}")
        if now.checksum.lower() != one.checksum.lower():
            parts.append(f"checksum {one.checksum or 'none'}, now {now.checksum or 'none'}")
        if lfn not in here:
            parts.append("no longer in the dataset: registered again, or with other metadata")
        if parts:
            yield ChangedFile(lfn, "; ".join(parts))


def _limits(
    was: Counted, here: Collection[str], files: Mapping[str, CatalogueFile]
) -> Iterator[str]:
    """Yield what the counts say and no file shows."""
    yield "no list was kept: sizes and checksums of single files were not compared"
    if was.files != len(here):
        return
    if was.list_checksum and was.list_checksum != list_checksum(here):
        yield "as many files as were counted, and not the same ones"
        return
    size = sum(files[lfn].size for lfn in here if lfn in files)
    if size != was.size:
        yield f"the same files as were counted, with {size:,} bytes; they had {was.size:,}"
