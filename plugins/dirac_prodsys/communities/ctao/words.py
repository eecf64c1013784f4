"""Describes in words what a job of CTAO does.

Invariant: a row says what the body says and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dirac_prodsys.core.grid.specs import CommunityBody


def rows(body: CommunityBody) -> Iterator[tuple[str, str | Iterable[tuple[str, Any]]]]:
    """Yield labels with words, or with pairs of a name and a value."""
    settings, made = dict(body.settings), dict(body.output_metadata)
    version = settings.pop("version", "")
    program = made.get("analysis_prog") or made.get("tel_sim_prog") or ""
    yield "runs", f"{program} {version} (CTADIRAC's {body.job_class})".strip()
    if options := settings.pop("options", ""):
        yield "options", str(options)
    yield "settings", settings.items()
