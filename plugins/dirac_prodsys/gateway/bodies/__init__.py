"""What a transformation's tasks do, as the Transformation System stores it: a file per kind.

Invariant: rendering is a function of the spec alone: the same spec gives the same bytes on any
machine, with any proxy, at any time. Adopting what exists depends on it.
"""

from __future__ import annotations

import functools
import importlib

from pydantic import TypeAdapter

from dirac_prodsys.core.grid.specs import BodySpec

_bodies: TypeAdapter[BodySpec] = TypeAdapter(BodySpec)


def render(body: BodySpec) -> str:
    """The stored form of a body, by the module that is named as its ``kind``."""
    return _rendered(body.model_dump_json())


@functools.lru_cache(maxsize=256)
def _rendered(text: str) -> str:
    body = _bodies.validate_json(text)
    module = importlib.import_module(f"dirac_prodsys.gateway.bodies.{body.kind}")
    rendered: str = module.render(body)
    return rendered
