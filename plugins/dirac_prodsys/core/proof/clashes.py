"""Finds names that two files claim.

Airflow has one DAG of a name, the Transformation System compares names without regard to case, and
the catalogue freezes and removes datasets by the last part of their name alone.

Invariant: a claim is small and travels between processes; files are compared in the order given,
and the later one is reported; the production comes first among the claims of a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from dirac_prodsys.core.dialects import RUN
from dirac_prodsys.core.grid.run_numbers import RunRange
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.problems import Path
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.proof.findings import Finding
from dirac_prodsys.core.steps.shape import run_range
from dirac_prodsys.errors import DefinitionError


@dataclass(frozen=True)
class NameClaim:
    """A name that a file claims for itself; it contains :data:`RUN` in place of the run."""

    kind: Literal["production", "dataset", "directory", "runs"]
    name: str
    path: Path
    runs: RunRange | None = None


@dataclass(frozen=True)
class Placed:
    """A claim, and where it is made."""

    claim: NameClaim
    place: DefinitionError


def production(one: Production) -> NameClaim:
    """Return the name of a production, which is claimed even if its steps are wrong."""
    return NameClaim("production", one.name, ("production", "name"))


def claims(subject: Subject) -> Iterator[NameClaim]:
    """Yield the claims of a production's steps."""
    run = subject.plan.run
    for step in subject.plan.steps:
        if step.dataset is not None:
            base = step.dataset.name.rsplit("/", 1)[-1].replace(run, RUN)
            yield NameClaim("dataset", base, ("steps", step.name, "dataset", "name"))
        if not subject.derived(step.name):  # these make one per transformation
            for directory in step.transformation.directories:
                path: Path = ("steps", step.name, "output", "directory")
                yield NameClaim("directory", directory.path.replace(run, RUN), path)
    for one in subject.production.steps:
        runs = run_range(one)
        if runs is not None:
            name = f"{runs.first} to {runs.last} of {runs.campaign}"
            yield NameClaim("runs", name, ("steps", one.name, "run_numbers"), runs)


def clashes(files: Iterable[tuple[Placed, ...]]) -> Iterator[Finding]:
    """Yield findings about names that an earlier file claims.

    If two productions have the same name, nothing else is compared: one is likely a copy of the
    other.
    """
    owners: dict[tuple[str, str], Placed] = {}
    ranges: list[Placed] = []
    for placed in files:
        copied: set[str] = set()
        for one in placed:
            if one.claim.runs is not None:
                apart = [other for other in ranges if other.place.file not in copied]
                yield from (_clash(one, other) for other in apart if _overlap(one, other))
                ranges.append(one)
                continue
            key = (one.claim.kind, one.claim.name.lower())
            owner = owners.setdefault(key, one)
            if owner.place.file == one.place.file or owner.place.file in copied:
                continue
            if one.claim.kind == "production":
                copied.add(owner.place.file)
            yield _clash(one, owner)


def _overlap(one: Placed, other: Placed) -> bool:
    """Whether two files use the same run numbers; those of one file were compared already."""
    mine, theirs = one.claim.runs, other.claim.runs
    if mine is None or theirs is None or one.place.file == other.place.file:
        return False
    return mine.overlaps(theirs)


def _clash(one: Placed, owner: Placed) -> Finding:
    name, there = one.claim.name, owner.place.place
    if one.claim.kind == "dataset" and RUN in name:
        code, reason = "similar-dataset", f"dataset {name!r} is also made in {there}"
        hint = "runs of one ID would clash, as scheduled ones do: add ${{ production }}"
    elif one.claim.kind == "dataset":
        code, reason = "duplicate-dataset", f"dataset {name!r} is already made in {there}"
        hint = "the last part of a dataset's name must be unique: add ${{ production }}"
    elif one.claim.kind == "runs":
        code, reason = "run-numbers", f"run numbers {name} overlap with those in {there}"
        hint = "let each step of a campaign have run numbers of its own"
    elif one.claim.kind == "directory":
        code, reason = "shared-directory", f"{name} is already written to in {there}"
        hint = "let the directory begin with the production's name: add ${{ production }}"
    elif name == owner.claim.name:
        code, reason = "duplicate-name", f"production {name!r} is already defined in {there}"
        hint = "the name is the dag_id: give each production its own"
    else:
        code = "case-only-name"
        reason = (
            f"production {owner.claim.name!r}, in {there}, differs in upper and lower case only"
        )
        hint = "the Transformation System takes them for the same name: rename one"
    return Finding.of(one.place.another(reason, hint, code))
