"""Collects mistakes by path, so that one run reports them all.

Invariant: finding a mistake never ends the search for others, and no mistake is worded twice. A
path names the keys and indexes from the top of the production; only the dialect that read the file
knows the line and column.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice

from dirac_prodsys.errors import DefinitionError, MetaQueryError

Path = tuple[str | int, ...]

#: number of mistakes of one list after which the search for more ends: twenty of a kind are
#: reported
ENOUGH = 1_000


@dataclass(frozen=True)
class Problem:
    """One mistake.

    :param path: keys and indexes that lead to it.
    :param on_key: whether the key itself is wrong, not its value.
    :param code: a rule of ``core/proof/findings.py``.
    """

    path: Path
    reason: str
    hint: str = ""
    on_key: bool = False
    code: str = DefinitionError.code

    def unplaced(self, file: str) -> DefinitionError:
        """Return the error for a production without a text: the path replaces the place."""
        where = ".".join(str(part) for part in self.path)
        return DefinitionError(
            f"{where}: {self.reason}" if where else self.reason,
            self.hint,
            file=file,
            code=self.code,
        )


@dataclass
class Problems:
    """Collects mistakes while a production is read.

    :param found: mistakes: with one of them there is no production.
    :param remarks: notes for a reader that are not mistakes; only ``lint`` reports them.
    """

    found: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    _noted: set[Problem] = field(default_factory=set, repr=False)

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(
        self,
        path: Path,
        reason: str,
        hint: str = "",
        *,
        on_key: bool = False,
        code: str = DefinitionError.code,
    ) -> None:
        """Note one mistake; the same one is noted once."""
        self._keep(self.found, Problem(path, reason, hint, on_key, code))

    def remark(
        self, path: Path, reason: str, hint: str = "", *, on_key: bool = False, code: str
    ) -> None:
        """Note a remark, which is not a mistake.

        :param code: a rule with the severity ``warning`` or ``note``.
        """
        self._keep(self.remarks, Problem(path, reason, hint, on_key, code))

    def extend(self, others: Problems) -> None:
        """Add the mistakes and remarks of another collection."""
        for problem in others.found:
            self._keep(self.found, problem)
        for remark in others.remarks:
            self._keep(self.remarks, remark)

    def _keep(self, kept: list[Problem], problem: Problem) -> None:
        if problem not in self._noted:
            self._noted.add(problem)
            kept.append(problem)

    @contextmanager
    def at(self, *path: str | int, on_key: bool = False) -> Iterator[None]:
        """Turn a :class:`DefinitionError` raised inside into a problem at ``path``, and go on."""
        try:
            yield
        except DefinitionError as error:
            self.note(path, error, on_key=on_key)

    def note(self, path: Path, error: DefinitionError, *, on_key: bool = False) -> None:
        """Note an error at ``path``, or at the metadata field below it that the error names."""
        if isinstance(error, MetaQueryError) and error.field:
            path = (*path, error.field)
        self.add(path, error.reason, error.hint, on_key=on_key, code=error.code)


#: maximum number of names in a hint
LISTED = 10
#: maximum characters of a word that is compared with the known ones; a longer one is no slip
_LONGEST_WORD = 64


@contextmanager
def bounded_guesses(comparisons: int = 8_000) -> Iterator[None]:
    """Limit the number of pairs of words that all hints made inside may compare.

    A thousand mistakes among a thousand names are a million pairs, and a reader needs only the
    first guesses. The first mistakes get them.
    """
    before = _left.set([comparisons])
    try:
        yield
    finally:
        _left.reset(before)


#: number of pairs that may still be compared; None: no limit
_left: ContextVar[list[int] | None] = ContextVar("comparisons left", default=None)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint: the known word that was probably meant, and the first of all of them."""
    names = known if isinstance(known, Collection) else list(known)
    left = _left.get()
    if left is not None:
        if left[0] < len(names):
            return listed(names)
        left[0] -= len(names)
    names = sorted(names)
    close: list[str] = []
    if len(word) <= _LONGEST_WORD:
        near = [name for name in names if len(name) <= _LONGEST_WORD]
        close = difflib.get_close_matches(word, near, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}? {listed(names)}" if close else listed(names)


def listed(names: Collection[object]) -> str:
    """List the known words or numbers, in their order, up to a readable number."""
    if not names:
        return "nothing is known here"
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return f"known here: {', '.join(short(str(n)) for n in islice(names, LISTED))}{more}"


def short(text: str, longest: int = 100) -> str:
    """Return the text, or its beginning if it is long."""
    return text if len(text) <= longest else f"{text[:longest]}…"
