"""Reports which of its parent's files a child takes, and what DIRAC's own validator would answer.

Invariant: everything reported about a link is proved (:class:`.subject.Link`), and similar links
are reported in one sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS
from dirac_prodsys.core.plan.subject import ProvenLink, Subject
from dirac_prodsys.core.problems import ENOUGH, Problem, nearest
from dirac_prodsys.core.query.meta_query import MetaQuery, dirac_accepts, form_text
from dirac_prodsys.core.text.wording import first_of

#: maximum number of names in a sentence
_SHOWN = 5


def check(subject: Subject) -> Iterator[Problem]:
    """Check every link; what is the same for several parents of a child is reported once."""
    known = list(subject.links.values())
    asked = Counter((found.parent, name) for found in known for name in found.undeclared)
    groups: dict[tuple[str, str], list[str]] = {}
    refused: dict[tuple[str, str], list[str]] = {}
    for found in known:
        if found.share == "none":
            yield Problem(
                ("steps", found.child, "input"),
                f"step {found.child} takes nothing from {found.parent}",
                "change what one of the two says of its files",
                code="empty-link",
            )
            continue
        wanted = subject.takes[found.child]
        if not subject.derived(found.parent):  # these know which fields their jobs set
            # if several children split a parent's files by a field, it is no slip of the pen
            alone = [name for name in found.undeclared if asked[found.parent, name] == 1]
            yield from _undeclared(subject, found, alone)
        share = _share(subject, found, wanted)
        groups.setdefault((found.child, share), []).append(found.parent)
        written = subject.steps[found.parent].transformation.output_query
        accepted, why = dirac_accepts(wanted, written or MetaQuery())
        if not accepted:
            refused.setdefault((found.child, why), []).append(found.parent)
    for (child, share), parents in groups.items():
        yield Problem(
            ("steps", child, "input"),
            f"step {child} takes {share} of {first_of(parents, _SHOWN)}",
            "nothing to do",
            code="link",
        )
    for (child, why), parents in refused.items():
        link = f"{first_of(parents, _SHOWN)} → {child}"
        yield Problem(
            ("steps", child, "input"),
            f"DIRAC's own check of the link {link} would refuse: {why}",
            "nothing to do: the link is proved here, and transformations are made directly",
            code="dirac-refuses-link",
        )


def _undeclared(subject: Subject, found: ProvenLink, fields: list[str]) -> Iterator[Problem]:
    for name in fields[:ENOUGH]:
        yield Problem(
            subject.condition(found.child, name),
            f"step {found.child} selects by {name}, which the output of {found.parent} does not "
            f"declare: a file without it is not taken",
            f"{nearest(name, subject.leaves[found.parent].fields)}; "
            f"or let the jobs of {found.parent} set it on each file",
            code="undeclared-field",
        )


def _share(subject: Subject, found: ProvenLink, wanted: MetaQuery) -> str:
    if found.share == "all":
        return "all files"
    left, asked = subject.leaves[found.parent], wanted.conditions
    undeclared, declared = frozenset(found.undeclared), frozenset(left.fields)
    narrower = [
        f"{name} {form_text(asked[name].to_dirac())}"
        for name in wanted.fields
        if name in undeclared
        or name in STANDARD_FIELDS
        or (name in declared and wanted.narrows(left, name))
    ]
    return f"part of the files ({', '.join(narrower)})"
