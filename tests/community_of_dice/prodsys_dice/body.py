"""The stored form of a body: here a line of JSON; elsewhere what the experiment's software writes.

Invariant: a function of the body alone: the same body gives the same bytes on any machine.
"""

from __future__ import annotations

import json

from dirac_prodsys.core.grid.specs import CommunityBody


def render(body: CommunityBody) -> str:
    """The stored form."""
    return json.dumps({"program": f"dice-{body.job_class.lower()}", **dict(body.settings)})
