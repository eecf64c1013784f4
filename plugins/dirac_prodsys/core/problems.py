"""Mistakes on their way to a place: collected by path, so that one run reports them all.

Invariant: finding a mistake never ends the search for others, and no mistake is worded twice. A
path names the keys and indexes from the top of the production; only the dialect that read the file
knows at which line and column that is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dirac_prodsys.core.meta_value import MetaQueryError
from dirac_prodsys.errors import DefinitionError

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake.

    :param path: keys and indexes that lead to it.
    :param on_key: the key itself is wrong, not its value.
    :param code: a rule of ``core/findings.py``.
    """

    path: Path
    reason: str
    hint: str = ""
    on_key: bool = False
    code: str = DefinitionError.code

    def unplaced(self, file: str) -> DefinitionError:
        """The error for a production of which no text is at hand: the path stands for the place."""
        where = ".".join(str(part) for part in self.path)
        return DefinitionError(
            f"{where}: {self.reason}" if where else self.reason,
            self.hint,
            file=file,
            code=self.code,
        )


@dataclass
class Problems:
    """A collection that grows while a production is read.

    :param found: mistakes: with one of them there is no production.
    :param remarks: what a reader should know, and no mistake; only ``lint`` tells it.
    """

    found: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    _told: set[Problem] = field(default_factory=set, repr=False)

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
        problem = Problem(path, reason, hint, on_key, code)
        if problem not in self._told:
            self._told.add(problem)
            self.found.append(problem)

    def remark(
        self, path: Path, reason: str, hint: str = "", *, on_key: bool = False, code: str
    ) -> None:
        """Note what is no mistake.

        :param code: a rule whose severity is ``warning`` or ``note``.
        """
        remark = Problem(path, reason, hint, on_key, code)
        if remark not in self._told:
            self._told.add(remark)
            self.remarks.append(remark)

    def extend(self, others: Problems) -> None:
        """Note what others have found."""
        for problem in others.found:
            if problem not in self._told:
                self._told.add(problem)
                self.found.append(problem)
        for remark in others.remarks:
            if remark not in self._told:
                self._told.add(remark)
                self.remarks.append(remark)

    @contextmanager
    def at(self, *path: str | int, on_key: bool = False) -> Iterator[None]:
        """Turn a :class:`DefinitionError` raised inside into a problem at ``path``, and go on."""
        try:
            yield
        except DefinitionError as error:
            if isinstance(error, MetaQueryError) and error.field:
                path = (*path, error.field)
            self.add(path, error.reason, error.hint, on_key=on_key, code=error.code)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint: the known word that was probably meant, and all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    listed = f"known here: {', '.join(names)}" if names else "nothing is known here"
    return f"did you mean {close[0]!r}? {listed}" if close else listed
