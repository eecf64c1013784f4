"""A list of data-management operations that each task carries out on its files, in order.

The words are those of DIRAC's ``RequestManagementSystem``; ``TASK:TargetSE`` is the storage element
that the plugin chose for the task (``BodyPlugin``).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictStr

from dirac_prodsys.core.job_types import JobAttributes, JobContext, JobType
from dirac_prodsys.core.model import Model
from dirac_prodsys.core.specs import RequestOperation, RequestSpec


class Operation(Model):
    """One operation; fields below the type are DIRAC's attributes of it, under their own names.

    :param type: DIRAC's name of the operation.
    :param source_se: where the files are.
    :param target_se: where they go; ``TASK:TargetSE`` is what the plugin chose for the task.
    :param catalog: where they are registered.
    :param arguments: of the operation, as DIRAC takes them.
    """

    type: Literal[
        "ReplicateAndRegister",
        "MoveReplica",
        "RemoveFile",
        "RemoveReplica",
        "PhysicalRemoval",
        "RegisterFile",
        "RegisterReplica",
        "CheckMigration",
        "ArchiveFiles",
    ]
    source_se: StrictStr | None = Field(default=None, alias="SourceSE", max_length=255)
    target_se: StrictStr | None = Field(default=None, alias="TargetSE", max_length=255)
    catalog: StrictStr | None = Field(default=None, alias="Catalog", max_length=255)
    arguments: StrictStr | None = Field(default=None, alias="Arguments")


class Request(JobAttributes):
    """Attributes of a request.

    :param type: ``request``.
    :param operations: carried out in order, on the files of each task.
    """

    type: Literal["request"]
    operations: tuple[Operation, ...] = Field(min_length=1)

    def body(self, context: JobContext) -> RequestSpec:
        """The request."""
        return RequestSpec(
            operations=tuple(
                RequestOperation(
                    type=operation.type,
                    attributes=operation.model_dump(
                        by_alias=True, exclude_none=True, exclude={"type"}
                    ),
                )
                for operation in self.operations
            )
        )


JOB_TYPE = JobType("request", Request)
