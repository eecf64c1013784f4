"""The jobs of CTAO: one job type for each that CTADIRAC knows, ``ctao:MCSimulation`` and so on.

What is said below ``job:`` are the keys of CTADIRAC's ``job_config``. The files, directories and
metadata that such a job leaves are not said: they follow from its settings and from what it takes,
by the rules of this community; so does the type of the transformation.
"""

from __future__ import annotations

from dirac_prodsys.communities.ctao import COMMUNITY
from dirac_prodsys.communities.ctao.types.job_types import TYPES
from dirac_prodsys.core.job_types import JobType

#: what the names of these types begin with
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
