"""Decides what to do with a transformation: wait, flush, recover, extend, complete or give up.

::

    counts      the numbers that the rules use
    rules       the rules of a step as primitives (``production/policy``: as a user writes them)
    history     what is remembered from one look to the next
    judging     judge(): by status, failures, tasks, input, files, patience
    verdict     the result, with its reason in words
    notices     when people are notified, and with which text; kinds: notice_kinds

Invariant: a pure function of what was seen and remembered. A status counts as an end only if DIRAC
says so; files and tasks decide. A flush comes only when the input is settled: the parents are done,
every file that the catalogue finds is attached, and nothing new came for a while.
"""

from __future__ import annotations

from dirac_prodsys.core.policy.counts import GONE_FILES, LIVE_TRANSFORMATION, attached_files
from dirac_prodsys.core.policy.history import History
from dirac_prodsys.core.policy.judging import judge, needs_catalogue, needs_comparison
from dirac_prodsys.core.policy.rules import StepRules
from dirac_prodsys.core.policy.verdict import DECISIVE, Verdict, VerdictKind

__all__ = [
    "DECISIVE",
    "GONE_FILES",
    "LIVE_TRANSFORMATION",
    "History",
    "StepRules",
    "Verdict",
    "VerdictKind",
    "attached_files",
    "judge",
    "needs_catalogue",
    "needs_comparison",
]
