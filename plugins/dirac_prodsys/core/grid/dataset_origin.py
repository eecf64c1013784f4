"""Writes into the annotation of a dataset where it comes from, and reads it back.

Invariant: :func:`read_origin` returns what :func:`annotated` wrote. The author's own text comes
first and is kept in full; of the origin, what does not fit into the column is left out, the least
needed first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from dirac_prodsys.core.limits import DATASET_ANNOTATION

_WORDS = re.compile(r"\[((?:[a-z]+=[^\s\]]+ ?)+)\]$")


@dataclass(frozen=True)
class DatasetOrigin:
    """What a dataset was made by; an empty text is unknown.

    The order is that in which parts are kept if there is little room.

    :param run: a run tag.
    :param digest: of the plan.
    :param commit: version of the production file: the bundle's, a git commit where it has one.
    """

    production: str
    run: str
    step: str
    digest: str = ""
    commit: str = ""


def annotated(text: str, origin: DatasetOrigin) -> str:
    """Return the annotation of a dataset: the author's text, then ``[production=… run=… …]``."""
    parts = [
        f"{each.name}={value}"
        for each in fields(origin)
        if (value := getattr(origin, each.name)) and not re.search(r"[\s\]]", value)
    ]
    while parts:
        joined = f"{text} [{' '.join(parts)}]".lstrip()
        if len(joined) <= DATASET_ANNOTATION.most:
            return joined
        parts.pop()
    return text


def read_origin(annotation: str) -> DatasetOrigin | None:
    """Return where a dataset comes from; None: its annotation does not say so."""
    found = _WORDS.search(annotation)
    if found is None:
        return None
    known = dict(part.split("=", 1) for part in found[1].split())
    names = {each.name for each in fields(DatasetOrigin)}
    if not {"production", "run", "step"} <= known.keys():
        return None
    return DatasetOrigin(**{name: value for name, value in known.items() if name in names})
