"""Records how often each file was tried again, for which cause, and for which task it was decided.

The ledger is an additional parameter of the transformation: it survives restarts and cleared tasks,
is visible in DIRAC, and is removed with the transformation.

Invariant: it is written before the files are set Unused. A crash in between leaves a count that is
too high, never one that is too low.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

#: name of the additional parameter of a transformation
LEDGER = "ProdsysRecovery"


@dataclass(frozen=True)
class Ledger:
    """Tries by file and cause.

    :param files: LFN → cause → number of tries.
    :param decided: LFN → ID of the task after whose failure it was last decided whether to try
        again. If the file is tried again after that, a person wanted it.
    :param barred: LFN → how often it had failed when the grid was kept from taking it back, and the
        ErrorCount to which it was then raised.
    """

    files: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    decided: Mapping[str, int] = field(default_factory=dict)
    barred: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of_file(self, lfn: str) -> Mapping[str, int]:
        """Return the tries of one file, by cause."""
        return self.files.get(lfn, {})

    def failures(self, lfn: str, errors: int) -> int:
        """Return how often a file has really failed.

        :param errors: its ErrorCount.
        """
        if lfn not in self.barred:
            return errors
        failed, raised = self.barred[lfn]
        return failed + max(0, errors - raised)

    def by_cause(self) -> dict[str, int]:
        """Return the tries of all files, by cause."""
        total: Counter[str] = Counter()
        for tries in self.files.values():
            total.update(tries)
        return dict(total)

    def with_tries(self, tries: Iterable[tuple[str, str]]) -> Ledger:
        """Return the ledger with these tries added: pairs of LFN and cause."""
        files = {lfn: dict(causes) for lfn, causes in self.files.items()}
        for lfn, cause in tries:
            causes = files.setdefault(lfn, {})
            causes[cause] = causes.get(cause, 0) + 1
        return replace(self, files=files)

    def with_decisions(self, tasks: Iterable[tuple[str, int]]) -> Ledger:
        """Return the ledger with these decisions: pairs of LFN and ID of the failed task."""
        return replace(self, decided={**self.decided, **dict(tasks)})

    def with_barred(self, errors: Iterable[tuple[str, int]], limit: int) -> Ledger:
        """Return the ledger with these files barred: pairs of LFN and its ErrorCount before.

        :param limit: the ErrorCount is raised to the next multiple of this number.
        """
        barred = {
            lfn: (self.failures(lfn, count), (count // limit + 1) * limit) for lfn, count in errors
        }
        return replace(self, barred={**self.barred, **barred})

    def to_text(self) -> str:
        """Return the value of the parameter."""
        known: dict[str, Any] = {"version": 1, "files": self.files, "decided": self.decided}
        if self.barred:
            known["barred"] = self.barred
        return json.dumps(known, sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Ledger:
        """Inverse of :meth:`to_text`; empty text is an empty ledger.

        :raises ValueError: somebody else wrote the parameter.
        """
        if not text:
            return cls()
        data: Any = json.loads(text)
        files = data.get("files") if isinstance(data, dict) else None
        if not isinstance(files, dict):
            raise ValueError(f"{LEDGER} holds no ledger: {text[:80]!r}")
        decided = data.get("decided") or {}  # older ledgers have none
        return cls(
            {lfn: {c: int(n) for c, n in causes.items()} for lfn, causes in files.items()},
            {lfn: int(task) for lfn, task in decided.items()},
            {lfn: (int(a), int(b)) for lfn, (a, b) in (data.get("barred") or {}).items()},
        )
