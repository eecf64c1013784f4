"""Lists the limits of DIRAC's databases, in one table: how long, how many, how great.

MySQL cuts off what does not fit, or refuses it when the job that made it has already run: so every
text and number is measured before it is sent. ``docs/reference/limits.md`` shows the same table.

Invariant: a limit is here once, with its column or constant (DIRAC 9.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limit:
    """The maximum of something.

    :param what: the thing, in words.
    :param most: the number.
    :param unit: unit of the number.
    :param source: table and column, or the place in DIRAC's source.
    """

    what: str
    most: int
    unit: str
    source: str

    def says(self, found: int) -> str:
        """Say that it is exceeded: ``140 characters, more than the 128 of FC_Files.FileName``."""
        return f"{found:,} {self.unit}, more than the {self.most} of {self.source}"


TRANSFORMATION_NAME = Limit(
    "name of a transformation", 255, "characters", "Transformations.TransformationName"
)
DESCRIPTION = Limit(
    "description of a transformation", 255, "characters", "Transformations.Description"
)
TYPE = Limit("type of a transformation", 32, "characters", "Transformations.Type")
PLUGIN = Limit("plugin of a transformation", 32, "characters", "Transformations.Plugin")
INTEGER = Limit("number of tasks, of events, run number", 2**31 - 1, "", "INTEGER columns")
GROUP_SIZE = Limit("group size", 6, "digits", "Transformations.GroupSize, a FLOAT")
PARAMETER_NAME = Limit(
    "parameter of a transformation", 32, "letters", "AdditionalParameters.ParameterName"
)
CONDITION = Limit("condition on one field", 2048, "characters", "SaferEval")
TASK_TARGETS = Limit(
    "storage elements of a task, joined by commas",
    255,
    "characters",
    "TransformationTasks.TargetSE",
)
OPERATION_PLACES = Limit(
    "SourceSE, TargetSE or Catalog of an operation", 255, "characters", "Operation.TargetSE"
)
OPERATION_ARGUMENTS = Limit(
    "Arguments of an operation", 65_535, "characters", "Operation.Arguments"
)
LFN = Limit("logical path of a file or directory", 255, "characters", "DataFiles.LFN")
FILE_NAME = Limit("name of a file", 128, "characters", "FC_Files.FileName")
DIRECTORY_LEVELS = Limit("directories in a path", 15, "levels", "DirectoryLevelTree")
STORAGE_ELEMENT = Limit("storage element", 127, "characters", "FC_StorageElements.SEName")
DATASET_NAME = Limit("last part of a dataset's name", 128, "characters", "FC_MetaDatasets")
DATASET_QUERY = Limit("query of a dataset", 512, "characters", "FC_MetaDatasets.MetaQuery")
DATASET_ANNOTATION = Limit(
    "annotation of a dataset", 512, "characters", "FC_DatasetAnnotations.Annotation"
)
FIELD_NAME = Limit("metadata field", 64, "characters", "FC_MetaFields.MetaName")
DIRECTORY_FIELD = Limit(
    "metadata field of directories", 56, "characters", "MySQL's names of tables (FC_Meta_…)"
)
FILE_FIELD = Limit(
    "metadata field of files", 52, "characters", "MySQL's names of tables (FC_FileMeta_…)"
)
METADATA_TEXT = Limit("text of a metadata field", 128, "characters", "a string field, VARCHAR(128)")
METADATA_INTEGER = Limit("whole number of a metadata field", 2**31 - 1, "", "an int field, INT")
JOB_TYPE = Limit("type of a job", 32, "characters", "Jobs.JobType")
SITE = Limit("site of a job", 64, "characters", "tq_TQToSites.Value")
TAG = Limit("tag of a job", 64, "characters", "tq_TQToTags.Value")
PLATFORM = Limit("platform of a job", 64, "characters", "tq_TQToPlatforms.Value")
VO = Limit("virtual organisation", 32, "characters", "Jobs.VO")

#: all of them, in the order of the reference
LIMITS = tuple(found for found in list(globals().values()) if isinstance(found, Limit))


def misfits(metadata: Mapping[str, Any], field: Limit) -> Iterator[tuple[str, str, str, bool]]:
    """Yield metadata that the catalogue cannot store.

    Each is a field, the reason, the way out, and whether it is the name. Only the catalogue knows a
    field's type; a value that fits neither its texts nor its numbers is wrong for any type.

    :param metadata: field → a value, or several.
    :param field: limit of the names: :data:`DIRECTORY_FIELD` or :data:`FILE_FIELD`.
    """
    for name, values in metadata.items():
        if field.most < len(name) <= FIELD_NAME.most:  # longer ones are no names of fields
            reason = f"the field has {field.says(len(name))}, which have {FIELD_NAME.most} at most"
            yield name, reason, "shorten it", True
        for value in values if isinstance(values, list | tuple) else (values,):
            if isinstance(value, str) and len(value) > METADATA_TEXT.most:
                yield name, f"the value has {METADATA_TEXT.says(len(value))}", "shorten it", False
            elif _too_great(value):
                yield (
                    name,
                    f"{value} is beyond ±{METADATA_INTEGER.most:,}, the 32 bits of an int field",
                    "quote it if it is a name, or use another unit",
                    False,
                )


def keeps_group_size(size: float) -> bool:
    """Whether a group size is read back as written: MySQL gives six digits of a FLOAT."""
    return float(f"{size:.{GROUP_SIZE.most}g}") == size


def _too_great(value: object) -> bool:
    integer = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return integer and not isinstance(value, bool) and abs(value) > METADATA_INTEGER.most  # type: ignore[arg-type]


def condition_fits(form: object) -> bool:
    """Whether DIRAC can read back a condition of that form (``MetaQuery.to_dirac``)."""
    return len(str(form)) <= CONDITION.most
