"""Defines what would be sent to the grid, as frozen values that print, compare and travel as JSON.

Invariant: a spec is complete: the gateway adds nothing with a meaning to it, so what ``plan``
prints is what the grid gets. Names of fields follow DIRAC's ``addTransformation``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
)

from dirac_prodsys.core.query.meta_query import MetaQuery

#: a value that DIRAC's file catalogue can hold as metadata
MetaValue = StrictStr | StrictInt | StrictFloat


class Spec(BaseModel):
    """Frozen, closed base of all specs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def digest(self) -> str:
        """Return 16 hex digits of the SHA-256 of the canonical JSON form: equal for equal specs."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Command(Spec):
    """One executable step of a job.

    :param executable: a program on the worker's PATH, or an absolute path (CVMFS).
    :param arguments: one string, as DIRAC's ``Job.setExecutable`` takes it; ``@{JOB_ID}`` is the
        task ID.
    """

    executable: str
    arguments: str = ""


class OutputFile(Spec):
    """A file that the job leaves in its working directory and that is uploaded and registered.

    :param name: local name; may hold ``@{JOB_ID}`` (8-digit task ID) and ``@{PRODUCTION_ID}``.
    :param directory: LFN directory it goes to.
    :param se: name of the storage element.
    :param metadata: of the file itself, for the first task, the second, …, then from the first on.
    """

    name: str
    directory: str
    se: str
    metadata: tuple[dict[str, MetaValue], ...] = ()


class JobSpec(Spec):
    """A job body, neutral: what runs, with which resources; rendered by the gateway.

    :param job_type: DIRAC JobType.
    :param cpu_time: seconds of normalised CPU.
    :param sites: destination sites; empty: anywhere.
    :param sandbox: ``LFN:/…`` of files that are brought to the working directory of every job.
    """

    kind: Literal["job"] = "job"
    name: str
    job_type: str
    commands: tuple[Command, ...]
    outputs: tuple[OutputFile, ...] = ()
    environment: dict[str, str] = {}
    input_data_policy: Literal["Download", "Protocol"] = "Download"
    cpu_time: int = 86400
    processors: int = 1
    priority: int = 1
    sites: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    platform: str = ""
    sandbox: tuple[str, ...] = ()


class RequestOperation(Spec):
    """One operation of a data-management request (``DIRAC/RequestManagementSystem``)."""

    type: str
    attributes: dict[str, str] = {}


class RequestSpec(Spec):
    """A data-management body: the operations of each task's request, in order."""

    kind: Literal["request"] = "request"
    operations: tuple[RequestOperation, ...]


#: settings of a community's job: where it may run, and above what its jobs upload
DESTINATION, BASE_PATH = "destination", "base_path"


class CommunityBody(Spec):
    """A job body of a community, rendered by its own software.

    Pairs, not mappings: their order is part of the body.

    :param kind: name of the community.
    :param job_class: which of its jobs.
    :param settings: what the job is given, in this order; :data:`DESTINATION` and :data:`BASE_PATH`
        mean the same in all communities.
    :param output_metadata: of the directories that the job's files go to.
    :param file_metadata: of the files themselves.
    :param unresolved: datasets whose query was not looked up: then metadata are missing, and the
        body cannot be rendered.
    """

    kind: StrictStr = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    job_class: str
    settings: tuple[tuple[str, JsonValue], ...]
    output_metadata: tuple[tuple[str, JsonValue], ...] = ()
    file_metadata: tuple[tuple[str, JsonValue], ...] = ()
    unresolved: tuple[str, ...] = ()

    @property
    def sites(self) -> tuple[str, ...]:
        """Return the destination sites; empty: anywhere."""
        wanted = dict(self.settings).get(DESTINATION)
        named = wanted if isinstance(wanted, list) else str(wanted or "").split(",")
        return tuple(name for site in named if (name := str(site).strip()))

    @property
    def base_directory(self) -> str:
        """Return the directory above all uploads of its jobs, even if the path below is unknown.

        It may be empty.
        """
        base = dict(self.settings).get(BASE_PATH)
        return base.rstrip("/") if isinstance(base, str) else ""


def _tag(body: Any) -> str:
    kind = body.get("kind") if isinstance(body, dict) else getattr(body, "kind", None)
    return kind if kind in ("job", "request") else "community"


#: our own kinds are rendered by the file of their name in ``gateway/bodies/``
BodySpec = Annotated[
    Annotated[JobSpec, Tag("job")]
    | Annotated[RequestSpec, Tag("request")]
    | Annotated[CommunityBody, Tag("community")],
    Discriminator(_tag),
]

#: stands in the path of a directory for the transformation's ID, which is known after creation
TRANSFORMATION_ID = "@{TransformationID}"


class DirectorySpec(Spec):
    """A catalogue directory with the metadata that its files inherit.

    :param path: may hold :data:`TRANSFORMATION_ID`.
    """

    path: str
    metadata: dict[str, MetaValue]

    def of(self, transformation: int) -> DirectorySpec:
        """Return the directory of that transformation."""
        return self.model_copy(
            update={"path": self.path.replace(TRANSFORMATION_ID, str(transformation))}
        )


class TransformationSpec(Spec):
    """One transformation, complete.

    :param name: deterministic, the idempotency key (see ``naming``).
    :param group_size: files per task (GB for plugin BySize).
    :param tasks: number of tasks to create, for types without input; None otherwise.
    :param input_query: None for types without input.
    :param max_tasks: MaxNumberOfTasks: the grid's MCExtensionAgent makes at once as many tasks as
        that, and replaces failed ones without end; 0, which no production changes: it adds none.
    :param events_per_task: EventsPerTask; 0: not given.
    :param files: LFNs that are attached before it starts, instead of an input query.
    :param directories: created with their metadata before the transformation starts.
    :param output_directories: those of them that no other transformation writes to, or below; the
        grid's cleaning agent empties them. May hold :data:`TRANSFORMATION_ID`.
    :param parameters: additional transformation parameters (names ``[A-Za-z]+``, at most 32
        characters).
    """

    name: str
    description: str
    type: str
    plugin: str = "Standard"
    agent_type: Literal["Automatic", "Manual"] = "Automatic"
    group: str = "General"
    group_size: float = 1.0
    tasks: int | None = None
    max_tasks: int = 0
    events_per_task: int = 0
    body: BodySpec
    input_query: MetaQuery | None = None
    output_query: MetaQuery | None = None
    files: tuple[str, ...] = ()
    directories: tuple[DirectorySpec, ...] = ()
    output_directories: tuple[str, ...] = ()
    parameters: dict[str, str | int] = {}


class DatasetSpec(Spec):
    """A dataset of the file catalogue.

    :param name: full path, ``/vo/datasets/name``; the base name is unique (DIRAC matches by it).
    :param freeze: snapshot the list of files, so that it never changes again.
    :param expect_files: the exact number of files it must hold, or None.
    :param min_files: the least number; ``max_files``: the greatest.
    """

    name: str
    query: MetaQuery
    freeze: bool = True
    annotation: str = ""
    expect_files: int | None = None
    min_files: int | None = None
    max_files: int | None = None


def plain(spec: BaseModel) -> dict[str, Any]:
    """Return the JSON form of a spec."""
    return spec.model_dump(mode="json")
