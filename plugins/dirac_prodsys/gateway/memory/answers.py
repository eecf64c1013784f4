"""How the services of the in-memory grid answer: with an error, or name by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class ServiceError(Exception):
    """What a service answers with ``S_ERROR``.

    :param number: DIRAC's ``Errno``.
    """

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.number = number


def by_name(names: Mapping[str, Any], serve: Callable[[str], Any]) -> dict[str, Any]:
    """DIRAC's answer about many names: what was served, and why some were not."""
    reply: dict[str, dict[str, Any]] = {"Successful": {}, "Failed": {}}
    for name in names:
        try:
            reply["Successful"][name] = serve(name)
        except ServiceError as error:
            reply["Failed"][name] = error.message
    return reply
