"""Reserves run numbers: which numbers of a campaign the tasks of a transformation use.

A simulation takes its random seeds from the run number, so the same number twice means the same
events twice. Ranges are compared within a file, between files, and, before anything is created,
with those of every transformation of the campaign on the grid.

Invariant: the numbers that a transformation records can be read back from the grid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: additional parameter of a transformation with its campaign and numbers
RUN_NUMBERS = "RunNumbers"

#: maximum characters of ``Transformations.TransformationFamily``, by which a campaign is found
MAX_CAMPAIGN = 64

_CAMPAIGN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_STORED = re.compile(r"(?P<campaign>[^:]+):(?P<first>\d+)-(?P<last>\d+)")


@dataclass(frozen=True)
class RunRange:
    """The run numbers of a step or transformation, both ends included.

    :param owner: name of the step or transformation.
    """

    owner: str
    campaign: str
    first: int
    last: int

    def overlaps(self, other: RunRange) -> bool:
        """Whether a number is in both; campaigns are compared as the database compares them."""
        same = self.campaign.lower() == other.campaign.lower()
        return same and self.first <= other.last and other.first <= self.last

    def to_text(self) -> str:
        """Return the text that is stored on the grid."""
        return f"{self.campaign}:{self.first}-{self.last}"


def read(owner: str, text: str) -> RunRange | None:
    """Read the range that a transformation has stored; None if it is none."""
    found = _STORED.fullmatch(text)
    if found is None:
        return None
    return RunRange(owner, found["campaign"], int(found["first"]), int(found["last"]))


def is_campaign(name: str) -> bool:
    """Whether the name is valid for a campaign."""
    return len(name) <= MAX_CAMPAIGN and _CAMPAIGN.fullmatch(name) is not None
