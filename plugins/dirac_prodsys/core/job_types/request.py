"""Defines the job type of data-management requests: operations on a task's files, in order.

The words are those of DIRAC's ``RequestManagementSystem``; ``TASK:TargetSE`` is the storage element
that the plugin chose for the task (``BodyPlugin``).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictStr

from dirac_prodsys.core import limits
from dirac_prodsys.core.grid import request_rules, task_values
from dirac_prodsys.core.grid.specs import RequestOperation, RequestSpec
from dirac_prodsys.core.job_types import JobAttributes, JobContext, JobType
from dirac_prodsys.core.models import Model
from dirac_prodsys.core.problems import Path, Problems

_PLACES = limits.OPERATION_PLACES.most
_ARGUMENTS = limits.OPERATION_ARGUMENTS.most


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
    source_se: StrictStr | None = Field(default=None, alias="SourceSE", max_length=_PLACES)
    target_se: StrictStr | None = Field(default=None, alias="TargetSE", max_length=_PLACES)
    catalog: StrictStr | None = Field(default=None, alias="Catalog", max_length=_PLACES)
    arguments: StrictStr | None = Field(default=None, alias="Arguments", max_length=_ARGUMENTS)

    @property
    def attributes(self) -> dict[str, str]:
        """Return the attributes under DIRAC's names."""
        return self.model_dump(by_alias=True, exclude_none=True, exclude={"type"})


class Request(JobAttributes):
    """Attributes of a request.

    :param type: ``request``.
    :param operations: carried out in order, on the files of each task.
    """

    type: Literal["request"]
    operations: tuple[Operation, ...] = Field(min_length=1)

    def check(self, path: Path, problems: Problems) -> None:
        """Note what DIRAC's RequestValidator would refuse, and what it would read otherwise."""
        for index, operation in enumerate(self.operations):
            place: Path = (*path, "operations", index)
            attributes = operation.attributes
            task_values.check(attributes, place, problems, filled=frozenset())
            for name, reason, hint in request_rules.mistakes(operation.type, attributes):
                there = name == "type" or name in attributes
                problems.add(
                    (*place, name) if there else place,
                    reason,
                    hint,
                    on_key=not there,
                    code="request",
                )

    def body(self, context: JobContext) -> RequestSpec:
        """Return the request, with names of storage elements without blanks around them."""
        lists = (request_rules.ONE_PLACE, request_rules.PLACES, "Catalog")
        return RequestSpec(
            operations=tuple(
                RequestOperation(
                    type=operation.type,
                    attributes={
                        name: request_rules.trimmed(value) if name in lists else value
                        for name, value in operation.attributes.items()
                    },
                )
                for operation in self.operations
            )
        )


JOB_TYPE = JobType("request", Request)
