"""Reports the result of an action, transformation by transformation.

Invariant: every transformation of the preview is included, so that none is silently omitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dirac_prodsys.core.actions.preview import Preview, table

#: ``left``: there was nothing to do; ``refused``: by the preview; ``failed``: it could not be done,
#: or is no longer as in the preview
Word = Literal["done", "left", "refused", "failed"]

_HEAD = ("ID", "Name", "Was", "Result", "Why")


@dataclass(frozen=True)
class Result:
    """The result for one transformation.

    :param was: its state when it was looked at.
    """

    id: int
    name: str
    was: str
    word: Word
    why: str


@dataclass(frozen=True)
class ActionOutcome:
    """The request, by whom, why, and its results.

    :param by: Airflow's user; :param run: the run that did it.
    """

    action: str
    scope: str
    by: str
    reason: str
    run: str
    results: tuple[Result, ...]

    @property
    def good(self) -> bool:
        """Whether nothing was refused and nothing failed."""
        return all(result.word in ("done", "left") for result in self.results)

    def summary(self) -> str:
        """Return one sentence."""
        count: dict[str, int] = {"done": 0, "left": 0, "refused": 0, "failed": 0}
        for result in self.results:
            count[result.word] += 1
        words = ", ".join(f"{number} {word}" for word, number in count.items())
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.action}, {self.scope}, by {self.by}{why}: {words}"

    def to_text(self) -> str:
        """Write a table for logs and terminals."""
        rows = [(str(r.id), r.name, r.was, r.word, r.why) for r in self.results]
        return "\n".join([self.summary(), *table(_HEAD, rows)])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, for XCom and scripts."""
        return {**asdict(self), "results": [asdict(r) for r in self.results], "good": self.good}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ActionOutcome:
        """Inverse of :meth:`to_dict`."""
        results = tuple(Result(**result) for result in data["results"])
        return cls(**{**{k: v for k, v in data.items() if k != "good"}, "results": results})


def outcome_of(
    preview: Preview, done: Iterable[Result], *, by: str, reason: str, run: str
) -> ActionOutcome:
    """Return the results of all transformations of a preview, including those not acted on."""
    results = {result.id: result for result in done}
    for row in preview.rows:
        if row.answer != "act":
            word: Word = "left" if row.answer == "leave" else "refused"
            results[row.id] = Result(row.id, row.name, row.status, word, row.why)
    order = [row.id for row in preview.rows if row.id in results]
    return ActionOutcome(
        preview.action, preview.scope, by, reason, run, tuple(results[i] for i in order)
    )
