"""Looking again at a transformation right before it is acted on.

Between a preview and its act, minutes or days pass: somebody renames, completes or cleans.

Invariant: nothing is acted on that is not what the preview told, or that the same request would
not choose and act on now.
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.actions.decision_table import Decision, decide
from dirac_prodsys.core.actions.preview import Row
from dirac_prodsys.core.actions.request import ActionRequest
from dirac_prodsys.core.actions.selection import select
from dirac_prodsys.core.grid.listed import Listed
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import RUNNING_TRANSFORMATION


def look_again(
    request: ActionRequest,
    row: Row,
    listed: Sequence[Listed],
    snapshot: Snapshot | None,
    *,
    vo: str,
) -> Decision:
    """What is to be done about a transformation of a preview, as it is now.

    :param listed: the transformation of that ID; none: it is gone.
    :param snapshot: of it; None: it is gone.
    :param vo: the connection's VO.
    """
    if not listed or snapshot is None:
        if request.action == "delete":
            return Decision("leave", "it is gone already")
        return Decision("refuse", "there is no such transformation any more")
    (one,) = listed
    if one.name != row.name:
        return Decision("refuse", f"it is named {one.name} by now")
    selection = select(request, listed, vo=vo)
    if not selection.listed:
        others = f": {', '.join(selection.left_out)}" if selection.left_out else ""
        return Decision("refuse", f"it is {one.status} by now, and is not meant any more{others}")
    decision = decide(request, one, snapshot)
    if decision.answer == "act" and request.kind.risky and not _alike(row.status, snapshot.status):
        return Decision(
            "refuse", f"it is {snapshot.status} by now, and the preview told {row.status}"
        )
    if decision.answer != "act" and snapshot.status != row.status:
        return Decision(decision.answer, f"it is {snapshot.status} by now: {decision.why}")
    return decision


def _alike(one: str, other: str) -> bool:
    """Agents let it go to and fro between the states in which it runs."""
    return one == other or {one, other} <= RUNNING_TRANSFORMATION
