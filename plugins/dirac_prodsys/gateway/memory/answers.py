"""Builds the answers of the in-memory services: an error, or a result for each name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class ServiceError(Exception):
    """An answer of a service with ``S_ERROR``.

    :param number: DIRAC's ``Errno``.
    """

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.number = number


def by_name(names: Mapping[str, Any], serve: Callable[[str], Any]) -> dict[str, Any]:
    """Return DIRAC's answer about many names: the results, and the reasons of the failures."""
    reply: dict[str, dict[str, Any]] = {"Successful": {}, "Failed": {}}
    for name in names:
        try:
            reply["Successful"][name] = serve(name)
        except ServiceError as error:
            reply["Failed"][name] = error.message
    return reply
