"""What people may do to running productions: which transformations, what to each, in which words.

::

    parameters ──> ActionRequest ──select──> candidates ──decide──> Preview ──> acts ──> Outcome

Invariant: pure. What would be touched is decided and told as a whole before anything is touched,
and what is done afterwards is what was told, by ID.
"""

from __future__ import annotations

from dirac_prodsys.core.actions.deciding import Decision, decide
from dirac_prodsys.core.actions.kinds import ACTIONS, ActionKind
from dirac_prodsys.core.actions.outcome import Outcome, Result
from dirac_prodsys.core.actions.preview import Preview, Row, preview
from dirac_prodsys.core.actions.request import ActionRequest, read_request
from dirac_prodsys.core.actions.selecting import FileShare, Listed, Selection, select

__all__ = [
    "ACTIONS",
    "ActionKind",
    "ActionRequest",
    "Decision",
    "FileShare",
    "Listed",
    "Outcome",
    "Preview",
    "Result",
    "Row",
    "Selection",
    "decide",
    "preview",
    "read_request",
    "select",
]
