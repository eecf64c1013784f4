"""Looks again at a transformation right before it is acted on.

Minutes or days pass between a preview and its act: somebody may rename, complete or clean.

Invariant: a transformation is acted on only if it is still as in the preview, and the same request
would still select it and act on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from dirac_prodsys.core.actions.decision_table import ActionDecision, decide
from dirac_prodsys.core.actions.preview import PreviewRow
from dirac_prodsys.core.actions.request import ActionRequest
from dirac_prodsys.core.actions.selection import select
from dirac_prodsys.core.grid.inventory import Listed
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import RUNNING_TRANSFORMATION


def look_again(
    request: ActionRequest,
    row: PreviewRow,
    listed: Sequence[Listed],
    snapshot: Snapshot | None,
    *,
    vo: str,
) -> ActionDecision:
    """Decide about a transformation of a preview, as it is now.

    :param listed: the transformation of that ID; empty: it is gone.
    :param snapshot: its snapshot; None: it is gone.
    :param vo: the connection's VO.
    """
    if not listed or snapshot is None:
        if request.action == "delete":
            return ActionDecision("leave", "it is gone already")
        return ActionDecision("refuse", "there is no such transformation any more")
    (one,) = listed
    if one.name != row.name:
        return ActionDecision("refuse", f"it is named {one.name} by now")
    selection = select(request, listed, vo=vo)
    if not selection.listed:
        others = f": {', '.join(selection.left_out)}" if selection.left_out else ""
        return ActionDecision(
            "refuse", f"it is {one.status} by now, and is not meant any more{others}"
        )
    decision = decide(request, one, snapshot)
    if decision.answer == "act" and request.kind.risky and not _alike(row.status, snapshot.status):
        return ActionDecision(
            "refuse", f"it is {snapshot.status} now, and the preview showed {row.status}"
        )
    if decision.answer != "act" and snapshot.status != row.status:
        return ActionDecision(decision.answer, f"it is {snapshot.status} by now: {decision.why}")
    return decision


def _alike(one: str, other: str) -> bool:
    """Whether the states are equal, or both running: agents switch between the running states."""
    return one == other or {one, other} <= RUNNING_TRANSFORMATION
