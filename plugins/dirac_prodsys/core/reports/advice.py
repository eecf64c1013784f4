"""Advises what to do about failed jobs, by the cause of the failure.

The causes are words of DIRAC's job monitoring (``JobMinorStatus.py``, 9.1), and what jobs add to
them. The first entry that fits is used; a cause that fits no entry is reported without advice.

Invariant: data, not branches: a new cause is a new line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dirac_prodsys.core.grid.jobs import Cause


@dataclass(frozen=True)
class Advice:
    """What helps against one kind of failure.

    :param words: pattern of the causes that it is for, in upper or lower case.
    """

    words: str
    way_out: str


ADVICE = (
    Advice(
        r"cpu limit|wall clock|cpu time",
        "the jobs need more time than they ask for: raise cpu_time in the file, then start a new "
        "run, or clean the step and begin it anew",
    ),
    Advice(
        r"input data (resolution|not available)|no candidate sites|no replica|catalog",
        "an input cannot be read where the jobs run: see that it exists and that its storage "
        "element is up, then clear this task to wait on",
    ),
    Advice(
        r"stalled|pilot|insufficient disk|inputsandbox|reschedul|kill signal|"
        r"application not found|initialization|jobwrapper",
        "the site is at fault more likely than the file: ban it in DIRAC, let the files be tried "
        "again (recovery: retry_elsewhere does both for this step), and clear this task to wait on",
    ),
    Advice(
        r"upload|output data|output sandbox|failed sending requests",
        "the jobs could not leave what they made: see that the storage element takes files and has "
        "room, then clear this task to wait on",
    ),
    Advice(
        r"marked for termination|killed",
        "somebody, or an agent, killed the jobs: ask who did; then let the files be tried again, "
        "and clear this task to wait on",
    ),
    Advice(
        r"exit|finished with errors|exception during execution|illegal job jdl|status [1-9]",
        "what the jobs run ended with an error of its own, and will again: look at the log of one "
        "of them, mend the arguments or the program in the file, and start a new run, or clean the "
        "step and begin it anew",
    ),
)


def advice_for(causes: Iterable[Cause]) -> str:
    """Return the advice for the most frequent cause that has one; empty if none has."""
    for cause in causes:
        for advice in ADVICE:
            if re.search(advice.words, cause.text, re.IGNORECASE):
                return advice.way_out
    return ""
