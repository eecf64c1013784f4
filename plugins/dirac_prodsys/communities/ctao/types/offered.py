"""Offers CTAO's jobs, one type for each that CTADIRAC knows: ``ctao:MCSimulation`` and so on.

The keys below ``job:`` are those of CTADIRAC's ``job_config``. The files, directories and metadata
of such a job are not written: they follow from its settings and its input, by the rules of this
community; so does the type of the transformation.
"""

from __future__ import annotations

from dirac_prodsys.communities.ctao import COMMUNITY
from dirac_prodsys.communities.ctao.types.job_types import TYPES
from dirac_prodsys.core.job_types import JobType

#: start of the names of these types
PREFIX = f"{COMMUNITY.name}:"

JOB_TYPES = tuple(
    JobType(
        f"{PREFIX}{kind.name}",
        kind.config,
        transformation=kind.transformation,
        derives=True,
        beside=tuple(key for key in ("simpipe_config",) if key in kind.config.model_fields),
    )
    for kind in TYPES
)
