"""Defines the one error tree of the package: the type alone shows a caller what to do next.

::

    ProdsysError(reason, hint)
    ├── DefinitionError(+ file, line, column, excerpt)   the user's YAML is wrong
    │   └── MetaQueryError(+ field)                      in a selection by metadata
    ├── DefinitionErrors(errors)                         several of them, reported together
    ├── SiteError                                        the site's file is wrong, or forbids it
    ├── LedgerUnavailable                                retryable: the ledger does not answer
    ├── GatewayError                                     the grid did not do it
    │   ├── GatewayUnavailable   retryable: network, timeout, service or database down
    │   ├── GatewayDenied        proxy missing or expired, group without the right
    │   ├── GatewayRejected      the service answered with an error and a reason
    │   ├── NotFound             no such transformation, dataset or file
    │   └── Conflict             the name exists, but for something that differs
    └── RunError                                         the production cannot go on by itself
        ├── NotYet               resolves itself, and is tried again
        ├── TransformationFailed policy gave up, or a person removed the transformation
        └── WaitTimeout          our own deadline, not DIRAC's word

Invariant: every message a person sees is ``reason`` (what is wrong) plus ``hint`` (the way out).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

#: most mistakes of one kind reported for one file; a thousand of them are one mistake, repeated
MOST_OF_A_KIND = 20
#: most bytes reported for one file: browsers show them and databases keep them
MOST_BYTES = 60_000
#: most characters of a reason, and of a hint, of one mistake
MOST_CHARACTERS = 2_000


class ProdsysError(Exception):
    """Base of all errors of this package.

    :param reason: what is wrong, one sentence.
    :param hint: what the reader can do about it; may be empty where nothing can be done.
    """

    #: True when the same call may succeed later without anybody changing anything.
    retryable = False

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.reason}\n  hint: {self.hint}" if self.hint else self.reason


class DefinitionError(ProdsysError):
    """One mistake in a production file, at its place.

    :param file: name of the file as the user knows it.
    :param line: 1-based line, 0 for the whole file.
    :param column: 1-based column, 0 for the whole line.
    :param excerpt: the source line with a caret below, or empty.
    :param code: a rule of ``core/proof/findings.py``; empty: that of the class.
    :param stands_for: number of mistakes that it reports: it may be the line "and 12 more".
    """

    code = "definition"

    def __init__(
        self,
        reason: str,
        hint: str = "",
        *,
        file: str = "",
        line: int = 0,
        column: int = 0,
        excerpt: str = "",
        code: str = "",
        stands_for: int = 1,
    ) -> None:
        super().__init__(_cut(reason), _cut(hint))
        self.stands_for = stands_for
        self.code = code or type(self).code
        self.file = file
        self.line = line
        self.column = column
        self.excerpt = excerpt

    @property
    def place(self) -> str:
        """Return ``file:line:col`` as editors understand it."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)

    def another(
        self, reason: str, hint: str, code: str = "", *, stands_for: int = 1
    ) -> DefinitionError:
        """Return another mistake at the same place."""
        return DefinitionError(
            reason,
            hint,
            file=self.file,
            line=self.line,
            column=self.column,
            excerpt=self.excerpt,
            code=code or self.code,
            stands_for=stands_for,
        )

    def __str__(self) -> str:
        head = f"{self.place}: {self.reason}" if self.place else self.reason
        lines = [head]
        if self.excerpt:
            lines.append(self.excerpt)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class MetaQueryError(DefinitionError):
    """A meta query that DIRAC would misread, or that selects nothing.

    :param field: the metadata field at fault; empty for the whole query.
    """

    code = "condition"

    def __init__(self, reason: str, hint: str = "", *, field: str = "") -> None:
        super().__init__(reason, hint)
        self.field = field


class DefinitionErrors(ProdsysError):
    """The mistakes found in one pass, sorted by place; cut to a helpful number.

    :param errors: at least one error.
    """

    def __init__(self, errors: Iterable[DefinitionError]) -> None:
        distinct = {
            (e.file, e.line, e.column, e.reason, e.hint): e for e in errors
        }  # equal mistakes are reported once
        by_place = sorted(distinct.values(), key=lambda e: (e.file, e.line, e.column))
        self.errors = as_many_as_help(by_place)
        super().__init__("\n".join(str(error) for error in self.errors))


def as_many_as_help(errors: Sequence[DefinitionError]) -> tuple[DefinitionError, ...]:
    """Return the first errors of each kind, and how many more there are.

    Together they have at most :data:`MOST_OF_A_KIND` of each code, and :data:`MOST_BYTES`.
    """
    total = Counter(error.code for error in errors)
    count: Counter[str] = Counter()
    kept: list[DefinitionError] = []
    size = 0
    for number, error in enumerate(errors):
        count[error.code] += 1
        if count[error.code] > MOST_OF_A_KIND + 1:
            continue
        if count[error.code] == MOST_OF_A_KIND + 1 and total[error.code] > MOST_OF_A_KIND + 1:
            more = total[error.code] - MOST_OF_A_KIND
            error = _more(more, " of this kind, from here on", error)
        size += len(str(error).encode("utf-8", "replace")) + 1
        if size > MOST_BYTES:
            kept.append(_more(len(errors) - number, ", from here on", error))
            break
        kept.append(error)
    return tuple(kept)


def _more(number: int, where: str, first: DefinitionError) -> DefinitionError:
    hint = "mend the first ones, and look again"
    return first.another(f"and {number:,} more{where}", hint, stands_for=number)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


class SiteError(ProdsysError):
    """The site's file cannot be used, or does not allow what was asked for."""


class LedgerUnavailable(ProdsysError):
    """The ledger does not answer, or cannot be used as it is configured."""

    retryable = True


class GatewayError(ProdsysError):
    """The grid did not do what was asked."""


class GatewayUnavailable(GatewayError):
    """Network, timeout, service or database down: the production itself is not at fault."""

    retryable = True


class GatewayDenied(GatewayError):
    """No proxy, an expired one, or a group without the needed property."""


class GatewayRejected(GatewayError):
    """The service answered with an error of its own."""


class NotFound(GatewayError):
    """No such transformation, dataset or file."""


class Conflict(GatewayError):
    """The name exists, but for something other than what was asked for."""


class RunError(ProdsysError):
    """The production cannot go on by itself."""


class NotYet(RunError):
    """Something must end first, and it ends by itself: the same call may succeed later."""

    retryable = True


class TransformationFailed(RunError):
    """The policy gave up on a transformation, or a person removed it."""


class WaitTimeout(RunError):
    """Our own deadline passed; DIRAC reported no timeout."""
