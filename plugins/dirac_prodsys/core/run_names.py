"""What a run is called: by its ID in Airflow, by its tag, and in the names of its transformations.

Airflow's pages show the run ID; names on the grid hold the tag that :func:`naming.run_tag` makes of
it. People copy either, and whatever takes the name of a run takes both.

Invariant: a tag that a run can have is never made into another tag without the first being tried.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from dirac_prodsys.core import naming
from dirac_prodsys.errors import DefinitionError

#: what may follow the step: a generation, and a fresh start (``naming``)
_AFTER_STEP = re.compile(r"\d+|fresh\d+")
#: a run ID that was cleaned and cut, and the digits that mark it
_MARKED_TAG = re.compile(r"(?:([A-Za-z0-9.]+(?:-[A-Za-z0-9.]+)*)-)?[0-9a-f]{8}")
#: what makes a text a pattern of names, as the shell has them
WILD = frozenset("*?[")

HINT = (
    "give the run ID as Airflow's page shows it, or the tag that `dirac-prodsys runs PRODUCTION` "
    "lists"
)


@dataclass(frozen=True)
class NameParts:
    """A name that a plan may have given, taken apart.

    :param run: a run tag.
    :param first: the name of the step's first transformation, before anybody had it begun anew.
    :param start: 1 for that one, 2 for the one after it, and so on.
    """

    production: str
    run: str
    step: str
    first: str
    start: int = 1


def name_parts(name: str) -> NameParts | None:
    """Production, run and step of a transformation; None: no plan gives such a name."""
    parts = name.split(naming.SEPARATOR)
    if len(parts) < 3 or not all(_AFTER_STEP.fullmatch(part) for part in parts[3:]):
        return None
    production, run, step = parts[:3]
    begin, fresh, number = name.rpartition(f"{naming.SEPARATOR}fresh")
    if fresh and number.isdigit():
        return NameParts(production, run, step, begin, int(number))
    return NameParts(production, run, step, name)


def tags_meant(text: str) -> tuple[str, ...]:
    """Tags of the run that a person names by its ID or its tag, the likeliest first.

    Mostly there is one. A text such as ``build-1a2b3c4d`` may be the tag of a run whose ID was
    cleaned, and the ID of another run: only the grid tells which is there.

    :raises DefinitionError: it names no single run.
    """
    said = text.strip()
    if not said or WILD & set(said):
        what = "is a pattern, and one run is meant" if said else "is the name of no run"
        raise DefinitionError(f"{said!r} {what}", HINT, code="name")
    made = naming.run_tag(said)
    marked = _MARKED_TAG.fullmatch(said)
    if made == said or not marked or len(said) > naming.MAX_RUN_TAG:
        return (made,)
    if marked[1] and naming.run_tag(marked[1]) == said:
        return (said,)  # its ID was changed in nothing: the digits prove it
    return (said, made)


def means_run(text: str, tag: str) -> bool:
    """Whether a person who gives an ID, a tag or a pattern of tags means the run of this tag."""
    return fnmatchcase(tag, text) if WILD & set(text) else tag in tags_meant(text)
