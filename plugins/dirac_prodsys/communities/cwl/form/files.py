"""Checks the files that flow into a step, and those that its jobs are to leave.

Invariant: what passes is files that DIRAC can hand out: single ones, one where a tool takes one,
and a list where it takes a list.
"""

from __future__ import annotations

from collections.abc import Mapping

from dirac_prodsys.communities.cwl.document.process import CwlStep
from dirac_prodsys.communities.cwl.form.drafts import Draft
from dirac_prodsys.communities.cwl.form.hints import Hints
from dirac_prodsys.communities.cwl.form.inputs import NEEDED
from dirac_prodsys.communities.cwl.form.links import ONE_JOB, refuse
from dirac_prodsys.communities.cwl.form.values import Listed, Made
from dirac_prodsys.core.language.located import Mistakes

#: files that one job uploads of one output
MOST_FILES = 100


def check_files(
    name: str,
    step: CwlStep,
    key: str,
    value: Made | Listed,
    drafts: Mapping[str, Draft],
    mistakes: Mistakes,
) -> None:
    """Refuse files that cannot flow into an input of a step.

    :raises Refused: they cannot.
    """
    link, words = step.links[key], f"input {key!r} of step {name!r}"
    if isinstance(value, Made):
        for parent, out in value.by:
            made = drafts[parent].step.run.outputs[out]
            if not made.type.is_file:
                reason = f"{words} takes {made.type.words()} of {parent!r}: only files go on"
                raise refuse(mistakes, link.where, reason)
            if made.secondary is not None:
                reason = f"{words} takes files with secondaryFiles: DIRAC hands out single ones"
                raise refuse(mistakes, link.where, reason, f"pack them, or {ONE_JOB}")
    port = step.run.inputs.get(key)
    if port is None:
        return
    if port.secondary is not None:
        reason = f"{words} wants secondaryFiles: DIRAC hands out single files"
        raise refuse(mistakes, link.where, reason, f"pack them, or {ONE_JOB}")
    if not port.type.is_file and port.type.base != "Any" and "File" not in port.type.choices:
        reason = f"{words} is {port.type.words()}, and gets files"
        raise refuse(mistakes, link.where, reason, "give it a value, or make it a File")
    wanted = port.type.depth + (key in step.scatter)
    listed_singly = isinstance(value, Listed) and not value.lfns
    if (
        value.depth != wanted
        and link.value_from is None
        and not (listed_singly or port.type.base in ("Any", "union"))
    ):
        reason = f"{words} takes {_files(wanted)}, and gets {_files(value.depth)}"
        raise refuse(mistakes, link.where, reason, f"write scatter: {key}, or {ONE_JOB}")


def check_counts(words: str, step: CwlStep, hints: Hints, mistakes: Mistakes) -> None:
    """Refuse numbers of files that a job cannot leave.

    :raises Refused: one is wrong.
    """
    for port, said in hints.counts.items():
        own = step.run.outputs.get(port)
        many = own is not None and own.type.is_file and own.type.depth
        count = said.value
        number = isinstance(count, int) and not isinstance(count, bool)
        if not many or not number or not 1 <= count <= MOST_FILES:
            reason = f"{words}: output_files says how many files {port[:80]!r} is"
            hint = f"name an output of type File[], and a number from 1 to {MOST_FILES}"
            raise refuse(mistakes, said, reason, hint, NEEDED)


def _files(depth: int) -> str:
    return ("one file", "a list of files")[depth] if depth < 2 else "lists of lists of files"
