"""The stored form of a body: here a line of JSON; elsewhere what the experiment's software writes.

Invariant: a function of the body alone: the same body gives the same bytes on any machine.
"""

from __future__ import annotations

import json

from dirac_prodsys.core.grid.specs import CommunityBody


def render(body: CommunityBody) -> str:
    """The stored form."""
    return json.dumps({"program": f"dice-{body.job_class.lower()}", **dict(body.settings)})


def wms_type(body: CommunityBody) -> str:
    """The JobType of its jobs: that of the class, in DIRAC's words."""
    return f"Dice{body.job_class}"
