"""Which of its parent's files a child takes, and what DIRAC's own validator would say to that.

Invariant: "all", "part" and "none" are proved by the algebra, from what the parent declares. A
field that it does not declare can be set by its jobs only, which nobody can prove beforehand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dirac_prodsys.core.meta_query import MetaQuery, dirac_accepts, say
from dirac_prodsys.core.problems import Problem, nearest
from dirac_prodsys.core.proof.subject import Subject, restrict


@dataclass(frozen=True)
class Link:
    """What a child takes of a parent's files.

    :param share: of the files as they are declared.
    :param undeclared: fields that the child asks for and the parent does not declare.
    """

    parent: str
    child: str
    share: Literal["all", "part", "none"]
    undeclared: tuple[str, ...] = ()


def link(subject: Subject, parent: str, child: str) -> Link:
    """The link between two steps of known queries."""
    wanted, left = subject.takes[child], subject.leaves[parent]
    declared = restrict(wanted, left.fields)
    asked = wanted.to_dirac()
    undeclared = tuple(
        name for name in wanted.fields if name not in left.fields and asked[name] != "Missing"
    )
    if not declared.intersects(left):
        return Link(parent, child, "none", undeclared)
    whole = declared.subsumes(left) and not undeclared
    return Link(parent, child, "all" if whole else "part", undeclared)


def links(subject: Subject) -> list[Link]:
    """All links between steps whose queries are known, parents first."""
    return [link(subject, parent, child) for parent, child in subject.links()]


def check(subject: Subject) -> Iterator[Problem]:
    """Every link, one by one."""
    known = links(subject)
    asked = Counter((found.parent, name) for found in known for name in found.undeclared)
    for found in known:
        wanted = subject.takes[found.child]
        if found.share == "none":
            yield Problem(
                ("steps", found.child, "input"),
                f"step {found.child} takes nothing from {found.parent}",
                "change what one of the two says of its files",
                code="empty-link",
            )
            continue
        if subject.production.dialect == "native":  # others know which fields their jobs set
            # what several children split a parent's files by is no slip of the pen
            alone = [name for name in found.undeclared if asked[found.parent, name] == 1]
            yield from _undeclared(subject, found, alone)
        yield Problem(
            ("steps", found.child, "input"),
            f"step {found.child} takes {_share(subject, found, wanted)} of {found.parent}",
            "nothing to do",
            code="link",
        )
        written = subject.steps[found.parent].transformation.output_query
        accepted, why = dirac_accepts(wanted, written or MetaQuery())
        if not accepted:
            yield Problem(
                ("steps", found.child, "input"),
                f"DIRAC's own check of the link {found.parent} → {found.child} would refuse: {why}",
                "nothing to do: the link is proved here, and transformations are made directly",
                code="dirac-refuses-link",
            )


def _undeclared(subject: Subject, found: Link, fields: list[str]) -> Iterator[Problem]:
    for name in fields:
        yield Problem(
            subject.condition(found.child, name),
            f"step {found.child} selects by {name}, which the output of {found.parent} does not "
            f"declare: a file without it is not taken",
            f"{nearest(name, subject.leaves[found.parent].fields)}; "
            f"or let the jobs of {found.parent} set it on each file",
            code="undeclared-field",
        )


def _share(subject: Subject, found: Link, wanted: MetaQuery) -> str:
    if found.share == "all":
        return "all files"
    left, asked = subject.leaves[found.parent], wanted.to_dirac()
    narrower = [
        f"{name} {say(asked[name])}"
        for name in wanted.fields
        if name in found.undeclared
        or (name in left.fields and not wanted.only(name).subsumes(left.only(name)))
    ]
    return f"part of the files ({', '.join(narrower)})"
