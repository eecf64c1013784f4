"""Lists DIRAC's states as enums, verbatim, with the sets that decisions are made of.

Invariant: a state appears as a literal only here. The words are those of
``DIRAC/TransformationSystem/Client/TransformationStatus.py``, ``TransformationFilesStatus.py``,
``DIRAC/WorkloadManagementSystem/Client/JobStatus.py`` and ``DIRAC/RequestManagementSystem`` (9.1).
An unknown state stays a plain string in the counts: it is never taken for a final one.
"""

from __future__ import annotations

from enum import StrEnum


class TransformationStatus(StrEnum):
    """Status of a transformation."""

    NEW = "New"
    IDLE = "Idle"
    ACTIVE = "Active"
    FLUSH = "Flush"
    COMPLETING = "Completing"
    COMPLETED = "Completed"
    ARCHIVED = "Archived"
    STOPPED = "Stopped"
    CLEANING = "Cleaning"
    CLEANED = "Cleaned"
    DELETED = "Deleted"
    TRANSFORMATION_CLEANED = "TransformationCleaned"
    REMOVING_FILES = "RemovingFiles"
    REMOVED_FILES = "RemovedFiles"
    VALIDATING_INPUT = "ValidatingInput"
    VALIDATING_OUTPUT = "ValidatingOutput"
    VALIDATED_OUTPUT = "ValidatedOutput"
    WAITING_INTEGRITY = "WaitingIntegrity"
    #: an unknown state from the service; waited on, never taken for an end
    UNKNOWN = "Unknown"

    @classmethod
    def _missing_(cls, value: object) -> TransformationStatus:
        return cls.UNKNOWN


class ProductionStatus(StrEnum):
    """Status of a production in the ProductionSystem."""

    NEW = "New"
    ACTIVE = "Active"
    FLUSH = "Flush"
    STOPPED = "Stopped"
    COMPLETED = "Completed"
    CLEANED = "Cleaned"


class FileStatus(StrEnum):
    """Status of a file in a transformation."""

    UNUSED = "Unused"
    ASSIGNED = "Assigned"
    PROCESSED = "Processed"
    PROBLEMATIC = "Problematic"
    MAX_RESET = "MaxReset"
    MISSING_IN_FC = "MissingInFC"
    PROB_IN_FC = "ProbInFC"
    REMOVED = "Removed"
    DELETED = "Deleted"
    MOVED = "Moved"
    NOT_PROCESSED = "NotProcessed"


class TaskStatus(StrEnum):
    """ExternalStatus of a task: the task's own states, then those of its job or request."""

    CREATED = "Created"
    RESERVED = "Reserved"
    SUBMITTED = "Submitted"
    SUBMITTING = "Submitting"
    RECEIVED = "Received"
    CHECKING = "Checking"
    SCOUTING = "Scouting"
    STAGING = "Staging"
    WAITING = "Waiting"
    MATCHED = "Matched"
    RESCHEDULED = "Rescheduled"
    RUNNING = "Running"
    STALLED = "Stalled"
    COMPLETING = "Completing"
    DONE = "Done"
    COMPLETED = "Completed"
    FAILED = "Failed"
    KILLED = "Killed"
    DELETED = "Deleted"
    SCHEDULED = "Scheduled"
    ASSIGNED = "Assigned"
    CANCELED = "Canceled"


#: a person (or an agent after a person) removed the transformation: it will never finish
REMOVED_TRANSFORMATION = frozenset(
    {
        TransformationStatus.CLEANING,
        TransformationStatus.CLEANED,
        TransformationStatus.DELETED,
        TransformationStatus.TRANSFORMATION_CLEANED,
        TransformationStatus.REMOVING_FILES,
        TransformationStatus.REMOVED_FILES,
    }
)

#: cleaning was requested, or has nothing left to do
NOTHING_TO_CLEAN = frozenset(
    {
        TransformationStatus.CLEANING,
        TransformationStatus.CLEANED,
        TransformationStatus.DELETED,
        TransformationStatus.TRANSFORMATION_CLEANED,
        TransformationStatus.ARCHIVED,
    }
)

#: states in which the grid works on a transformation, and from which it may be Stopped
RUNNING_TRANSFORMATION = frozenset(
    {TransformationStatus.ACTIVE, TransformationStatus.IDLE, TransformationStatus.FLUSH}
)

#: likewise, or nothing is left to be done but DIRAC's own last look
WORKING_TRANSFORMATION = RUNNING_TRANSFORMATION | {TransformationStatus.COMPLETING}

#: the transformation has ended well; no agent acts on it any more
ENDED_TRANSFORMATION = frozenset({TransformationStatus.COMPLETED, TransformationStatus.ARCHIVED})

#: tasks that ended well
GOOD_TASKS = frozenset({TaskStatus.DONE, TaskStatus.COMPLETED})

#: tasks that ended badly
BAD_TASKS = frozenset(
    {TaskStatus.FAILED, TaskStatus.KILLED, TaskStatus.DELETED, TaskStatus.CANCELED}
)

#: tasks that will not change again without somebody acting
FINAL_TASKS = GOOD_TASKS | BAD_TASKS
