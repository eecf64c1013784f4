"""Refuses placeholders in texts that are taken as written, so that they are never sent.

Invariant: any ``${{ … }}`` that remains when a plan is made is either filled in at its place, or a
mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.steps.placeholders import refuse


def check_literals(production: Production, problems: Problems) -> None:
    """Note every placeholder in a text that is never filled in."""
    for path, value in _literals(production):
        for where, text in _texts(path, value):
            refuse(text, where, problems)


def _literals(production: Production) -> Iterator[tuple[Path, Any]]:
    """Yield the texts that are taken as written, except names (``names``)."""
    yield ("production", "description"), production.description
    yield ("production", "connection"), production.connection
    yield ("production", "tags"), production.tags
    yield ("production", "links"), production.links
    if production.approval is not None:
        yield ("production", "approval", "approvers"), production.approval.approvers
    if production.schedule is not None:
        yield ("schedule",), production.schedule.model_dump(exclude_defaults=True)
    for name, parameter in production.parameters.items():
        yield ("parameters", name, "description"), parameter.description
    for name, kind in production.types.items():
        yield ("types", name, "plugin"), kind.plugin
    for step in production.steps:
        path: Path = ("steps", step.name)
        yield (*path, "plugin_parameters"), step.plugin_parameters
        if step.policy.model_fields_set:  # somebody wrote one
            yield (*path, "policy"), step.policy.model_dump()
        if step.approval is not None:
            yield (*path, "approval", "approvers"), step.approval.approvers


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _texts((*path, key), entry)
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _texts((*path, index), entry)
