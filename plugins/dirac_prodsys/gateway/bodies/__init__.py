"""Renders the body of a transformation as the Transformation System stores it: a file per kind.

Invariant: rendering is a function of the spec alone: the same spec gives the same bytes on any
machine, with any proxy, at any time. Adopting an existing transformation depends on it.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

from pydantic import TypeAdapter

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.grid.specs import BodySpec, CommunityBody
from dirac_prodsys.errors import DefinitionError, GatewayRejected

_bodies: TypeAdapter[BodySpec] = TypeAdapter(BodySpec)


def render(body: BodySpec) -> str:
    """Return the stored form of a body, rendered by the module of its ``kind`` or its community."""
    return _rendered(body.model_dump_json())


@functools.lru_cache(maxsize=256)
def _rendered(text: str) -> str:
    body = _bodies.validate_json(text)
    rendered: str
    if isinstance(body, CommunityBody):
        rendered = _renderer(body.kind)(body)
    else:
        module = importlib.import_module(f"{__name__}.{body.kind}")
        rendered = module.render(body)
    return rendered


def _renderer(name: str) -> Callable[[CommunityBody], str]:
    """Return the function that renders the bodies of a community.

    :raises GatewayRejected: the community is not installed here, fails, or renders no bodies.
    """
    try:
        community = community_of(name)
        found: Callable[[CommunityBody], str] = community.offered(community.body)
    except DefinitionError as error:
        raise GatewayRejected(error.reason, error.hint) from error
    return found
