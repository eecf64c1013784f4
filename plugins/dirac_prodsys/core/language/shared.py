"""Writes out ``common`` and ``defaults``: shared keys for all outputs, and for all steps.

Invariant: a default reaches only steps that may have such a key, and never replaces what a step
says itself; null in a step removes a default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from dirac_prodsys.core.language.derived_jobs import ANY, default_job
from dirac_prodsys.core.language.located import (
    MAX_CHARACTERS,
    MAX_VALUES,
    NOWHERE,
    Located,
    Mistakes,
    extent,
    overlay,
)
from dirac_prodsys.core.problems import nearest

#: directory, below ``common.directory``, of an output without a directory of its own
_OWN_DIRECTORY = "${{ step }}"

#: key of ``defaults`` with more of them for the steps of a type
_BY_TYPE = "by_type"


def with_shared(tree: Located, needs_input: Mapping[str, bool]) -> Located:
    """Return the tree with ``common`` and ``defaults`` written out in every step.

    :param needs_input: type → whether it needs input, for the transformation types that are known.
    """
    steps, defaults, common = tree.get("steps"), tree.get("defaults"), tree.get("common")
    if steps is None or not isinstance(steps.value, dict):
        return tree
    left = _Left.of(defaults, common, steps=len(steps.value))
    made = {}
    for name, step in steps.items():
        merged = step
        if isinstance(step.value, dict) and left:
            if defaults is not None and isinstance(defaults.value, dict):
                takes_files = needs_input.get(step.text("type") or "", True)
                merged = _with_defaults(step, defaults, takes_files)
            if common is not None and isinstance(common.value, dict):
                merged = _with_common(merged, common)
            left.take(merged)
        made[name] = merged
    return tree.put({"steps": steps.put(made)})


@dataclass
class _Left:
    """Counts how much may still be written out: a part of what is too big shows that it is.

    ``matrix.too_big`` decides what is too big.

    :param counted: whether so much is shared that counting is worth it.
    """

    values: int
    characters: int
    counted: bool

    @classmethod
    def of(cls, *shared: Located | None, steps: int) -> _Left:
        """Return a count that is enough for one step, even if it is too big by itself."""
        blocks = Located(tuple(block for block in shared if block is not None), NOWHERE)
        values, characters = extent(blocks, MAX_VALUES, MAX_CHARACTERS)
        much = values * steps > MAX_VALUES or characters * steps > MAX_CHARACTERS
        return cls(MAX_VALUES, MAX_CHARACTERS, much)

    def __bool__(self) -> bool:
        return self.values >= 0 and self.characters >= 0

    def take(self, step: Located) -> None:
        """Count what has been written out."""
        if self.counted:
            values, characters = extent(step, MAX_VALUES, MAX_CHARACTERS)
            self.values -= values
            self.characters -= characters


def _with_defaults(step: Located, defaults: Located, takes_files: bool) -> Located:
    fits = {
        "job": _same_job(step, defaults),
        "output": "output" in step.value,
        "dataset": "dataset" in step.value,
        "group_size": takes_files,
        "policy": takes_files,
        "start": step.get("input", "from") is not None,
    }
    base = {
        key: entry for key, entry in defaults.items() if key != _BY_TYPE and fits.get(key, True)
    }
    if (defaults.text("job", "type") or "").endswith(ANY):
        of_family = default_job(step, defaults.value["job"])
        base |= {"job": of_family} if of_family is not None else {}
    shared = replace(defaults, value=base)
    policy = defaults.get(_BY_TYPE, step.text("type") or "", "policy")
    if policy is not None and isinstance(policy.value, dict):
        shared = overlay(shared, replace(defaults, value={"policy": policy}))
    return overlay(shared, step)


def check_types(tree: Located, known: Collection[str], mistakes: Mistakes) -> None:
    """Report defaults of types that no step can have."""
    of_types = tree.get("defaults", _BY_TYPE)
    for name, entry in of_types.items() if of_types is not None else ():
        if name not in known:
            reason = f"there is no transformation type {name!r}"
            mistakes.add(entry, reason, nearest(name, known), on_key=True, code="unknown-word")


def _same_job(step: Located, defaults: Located) -> bool:
    """Whether a default of a job is for this job: of the same type, or a script if it has none."""
    if "job" not in step.value and step.text("type") in ("Replication", "Moving", "Removal"):
        return False
    meant = defaults.text("job", "type") or "script"
    return (step.text("job", "type") or meant) == meant


def _with_common(step: Located, common: Located) -> Located:
    output = step.get("output")
    if output is None or not isinstance(output.value, dict):
        return step
    shared = {key: entry for key, entry in common.items() if key in ("se", "metadata")}
    merged = overlay(replace(common, value=shared), output)
    base = common.get("directory")
    directory = merged.get("directory")
    if base is not None and isinstance(base.value, str):
        if directory is None:
            merged = merged.put({"directory": base.scalar(f"{base.value}/{_OWN_DIRECTORY}")})
        elif isinstance(directory.value, str) and not directory.value.startswith(("/", "${{")):
            below = directory.scalar(f"{base.value}/{directory.value}")
            merged = merged.put({"directory": below})
    return step.put({"output": merged})
