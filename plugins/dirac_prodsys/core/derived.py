"""What comes of steps whose output follows from what they take (``job_types.JobType.derives``).

Invariant: a step that is missing here is wrong, and that was told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dirac_prodsys.core.linking import Output
from dirac_prodsys.core.plan_values import StepPlan


@dataclass
class Derived:
    """What comes of the steps of a production whose jobs derive.

    :param plans: by name; those that are wrong are missing.
    :param outputs: what others find of them by metadata.
    :param awaiting: step → dataset without whose query nobody knows what the step leaves.
    """

    plans: dict[str, StepPlan] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    awaiting: dict[str, str] = field(default_factory=dict)
