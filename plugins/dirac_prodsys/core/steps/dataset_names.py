"""Fills metadata, and names by a community's convention, into the names of datasets.

``${{ metadata.FIELD }}`` is the value that all files of the dataset have; ``${{ COMMUNITY:NAME }}``
is the last part of a name by that convention of the community, made of the same values.

Invariant: equal metadata give equal names. A field without a single value is a mistake, unless it
depends on a dataset whose query is not known yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.problems import nearest
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.context import StepContext
from dirac_prodsys.errors import DefinitionError

#: name of a convention → makes a last part of metadata; raises ``KeyError`` for a missing field,
#: :class:`DefinitionError` if they have no name
Conventions = Mapping[str, Callable[[Mapping[str, Any]], str]]

_METADATA = "metadata."
_WORDS = re.compile(r"\$\{\{\s*((?:metadata\.|[a-z][a-z0-9_-]*:)[^\s{}]+)\s*\}\}")
#: stands for what is not known yet, or was reported
_UNKNOWN = "unknown"


def values_for(
    name: str, query: MetaQuery | None, here: StepContext, *, partial: bool
) -> dict[str, str]:
    """Return the values of the placeholders of metadata and conventions in a dataset's name.

    :param query: what all files of the dataset match; None: unknown, and reported elsewhere.
    :param partial: whether conditions are missing that are known later.
    """
    words = dict.fromkeys(_WORDS.findall(name))
    if not words:
        return {}
    if query is None:
        return dict.fromkeys(words, _UNKNOWN)
    known = single_values(query)
    return {word: _value(word, known, here, partial=partial) for word in words}


def single_values(query: MetaQuery) -> dict[str, Any]:
    """Return the fields for which a query allows one value only."""
    return {field: next(iter(some)) for field, some in query.listed.items() if len(some) == 1}


def as_text(value: Any) -> str:
    """Write a value as a part of a name: 20.0 is ``20``."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(word: str, known: Mapping[str, Any], here: StepContext, *, partial: bool) -> str:
    try:
        if not word.startswith(_METADATA):
            return _by_convention(word, known)
        return as_text(known[word.removeprefix(_METADATA)])
    except KeyError as error:
        if not partial:
            field = str(error.args[0])
            reason = f"the files of the dataset have no single value of {field}, which its name has"
            hint = f"known here: {', '.join(sorted(known))}; select one value by where"
            here.add(("name",), reason, hint, code="placeholder")
    except DefinitionError as error:
        if not partial:
            here.add(("name",), error.reason, error.hint, code="placeholder")
    return _UNKNOWN


def _by_convention(word: str, known: Mapping[str, Any]) -> str:
    """Return a name by a convention.

    :raises KeyError: a field is missing.
    :raises DefinitionError: there is no such convention, or it has no name for these values.
    """
    who, _, which = word.partition(":")
    community = community_of(who)
    conventions: Conventions = (
        community.offered(community.dataset_names) if community.dataset_names else {}
    )
    if which not in conventions:
        reason = f"{community.words} has no convention {which!r} for names of datasets"
        raise DefinitionError(reason, nearest(which, conventions))
    return conventions[which](known)
