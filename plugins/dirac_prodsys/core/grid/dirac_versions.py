"""Knows what versions of DIRAC lack that productions may need.

``docs/reference/compatibility.md`` says which mistakes of its servers these are.
"""

from __future__ import annotations

from collections.abc import Mapping

#: versions for which all is tested
TESTED = ("9.1.",)
#: beginning of another version → what it cannot do
LACKING: Mapping[str, str] = {
    "9.0.": "it makes no datasets, and its plugins read their parameters in quotes",
}


def lacking(version: str) -> str:
    """Say what a version cannot do; empty: nothing is known.

    :param version: as a service answers it: ``v9.1.22``, ``9.0.28``.
    """
    number = version.lstrip("v")
    return next((what for begin, what in LACKING.items() if number.startswith(begin)), "")


def makes_datasets(version: str) -> bool:
    """Check whether a file catalogue of this version can describe and freeze datasets."""
    return not lacking(version)
