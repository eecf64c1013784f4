"""Makes the files of a rehearsal where CTAO's jobs would register files themselves.

Invariant: the folders below a directory are those that a real job would make.
"""

from __future__ import annotations

from dirac_prodsys.communities.ctao.rules.directories import THOUSAND
from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.steps.file_values import StandIn


def stand_in(directory: DirectorySpec) -> StandIn:
    """Return the files of a job in one of its directories."""
    kind = directory.metadata.get("outputType")
    below = "" if kind in (None, "Model") else f"/{THOUSAND}"
    log = kind == "Log"
    return StandIn(below, "log" if log else "data", carries=not log)
