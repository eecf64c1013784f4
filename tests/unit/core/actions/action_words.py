"""Requests and transformations for tests of people's actions, in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.actions.request import ActionRequest, read_request
from dirac_prodsys.core.grid.inventory import Listed

OWN: Mapping[str, Mapping[str, Any]] = {
    "extend": {"tasks": 5},
    "set_group_size": {"group_size": 3},
    "clean": {"run": "r1"},
    "delete": {"run": "r1"},
}


def request(action: str, **given: Any) -> ActionRequest:
    return read_request({"action": action, "production": "p", **OWN.get(action, {}), **given})


def listed(number: int, name: str, **changes: Any) -> Listed:
    fields = {
        "type": "Merging",
        "plugin": "Standard",
        "status": "Active",
        "group": name.partition("__")[0],
        "author_group": "sim_prod",
        "vo": "sim",
    }
    return Listed(number, name, **{**fields, **changes})
