"""Transformations whose tasks are requests: files are copied or removed, no job runs.

The Transformation System looks up these two words, without regard to case, to treat tasks as
requests (``TransformationAgent``); a "Moving" is a Replication whose request removes the source.
"""

from __future__ import annotations

from dirac_prodsys.core.transformation_types import TransformationType

TYPES = (
    TransformationType("Replication", body="request", plugin="Broadcast"),
    TransformationType("Moving", body="request", plugin="Broadcast", sent_as="Replication"),
    TransformationType("Removal", body="request"),
)
