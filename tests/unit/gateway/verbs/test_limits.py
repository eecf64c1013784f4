"""The table of limits is that of DIRAC's own tables and constants."""

from __future__ import annotations

import re
from pathlib import Path

import DIRAC
import pytest

from dirac_prodsys.core import limits
from dirac_prodsys.core.limits import Limit

HOME = Path(DIRAC.__file__).parent
TRANSFORMATION = "TransformationSystem/DB/TransformationDB.sql"
CATALOGUE = "DataManagementSystem/DB/FileCatalogDB.sql"
DATASETS = "DataManagementSystem/DB/FileCatalogComponents/DatasetManager/DatasetManager.py"
JOBS = "WorkloadManagementSystem/DB/JobDB.sql"
QUEUES = "WorkloadManagementSystem/DB/TaskQueueDB.py"
REQUESTS = "RequestManagementSystem/DB/RequestDB.py"

COLUMNS: list[tuple[Limit, str, str]] = [
    (limits.TRANSFORMATION_NAME, TRANSFORMATION, r"TransformationName VARCHAR\((\d+)\)"),
    (limits.DESCRIPTION, TRANSFORMATION, r"\bDescription VARCHAR\((\d+)\)"),
    (limits.TYPE, TRANSFORMATION, r"\bType CHAR\((\d+)\)"),
    (limits.PLUGIN, TRANSFORMATION, r"\bPlugin CHAR\((\d+)\)"),
    (limits.PARAMETER_NAME, TRANSFORMATION, r"ParameterName VARCHAR\((\d+)\)"),
    (limits.TASK_TARGETS, TRANSFORMATION, r"TargetSE char\((\d+)\)"),
    (limits.LFN, TRANSFORMATION, r"\bLFN VARCHAR\((\d+)\)"),
    (limits.FILE_NAME, CATALOGUE, r"FileName VARCHAR\((\d+)\)"),
    (limits.STORAGE_ELEMENT, CATALOGUE, r"SEName VARCHAR\((\d+)\)"),
    (limits.FIELD_NAME, CATALOGUE, r"MetaName VARCHAR\((\d+)\)"),
    (limits.LFN, CATALOGUE, r"FC_DirectoryLevelTree \([^;]*?DirName VARCHAR\((\d+)\)"),
    (limits.DATASET_NAME, DATASETS, r'"DatasetName": "VARCHAR\((\d+)\)'),
    (limits.DATASET_QUERY, DATASETS, r'"MetaQuery": "VARCHAR\((\d+)\)'),
    (limits.DATASET_ANNOTATION, DATASETS, r'"Annotation": "VARCHAR\((\d+)\)'),
    (limits.JOB_TYPE, JOBS, r"`JobType` VARCHAR\((\d+)\)"),
    (limits.VO, JOBS, r"`VO` VARCHAR\((\d+)\)"),
    (limits.SITE, QUEUES, r'"Value": "VARCHAR\((\d+)\)'),
    (limits.TAG, QUEUES, r'"Value": "VARCHAR\((\d+)\)'),
    (limits.PLATFORM, QUEUES, r'"Value": "VARCHAR\((\d+)\)'),
    (limits.OPERATION_PLACES, REQUESTS, r'"TargetSE", String\((\d+)\)'),
    (
        limits.METADATA_TEXT,
        "DataManagementSystem/DB/FileCatalogComponents/DirectoryMetadata/DirectoryMetadata.py",
        r'"string":\s+valueType = "VARCHAR\((\d+)\)"',
    ),
    (
        limits.DIRECTORY_LEVELS,
        "DataManagementSystem/DB/FileCatalogComponents/DirectoryManager/DirectoryLevelTree.py",
        r"MAX_LEVELS = (\d+)",
    ),
]


@pytest.mark.parametrize(
    ("limit", "file", "pattern"), COLUMNS, ids=lambda v: getattr(v, "what", "")
)
def test_a_limit_is_that_of_diracs_column(limit: Limit, file: str, pattern: str) -> None:
    found = re.findall(pattern, (HOME / file).read_text("utf-8"))
    assert found
    assert {int(number) for number in found} == {limit.most}


def test_names_of_fields_leave_room_for_the_prefix_of_their_table() -> None:
    most = 64  # characters of a table's name in MySQL
    assert limits.DIRECTORY_FIELD.most == most - len("FC_Meta_")
    assert limits.FILE_FIELD.most == most - len("FC_FileMeta_")


def test_a_group_size_is_a_float_of_mysql() -> None:
    assert "GroupSize FLOAT" in (HOME / TRANSFORMATION).read_text("utf-8")


def selection(value: object) -> list[tuple[str, str]]:
    """How DIRAC writes a condition on a field of files."""
    from DIRAC.DataManagementSystem.DB.FileCatalogComponents.FileMetadata.FileMetadata import (
        FileMetadata,
    )

    class Database:
        def _escapeString(self, text: str) -> dict[str, object]:  # noqa: N802  DIRAC's name
            return {"OK": True, "Value": f'"{text}"'}

        def _checkIdentifier(self, name: str) -> dict[str, object]:  # noqa: N802
            return {"OK": True, "Value": name}

    metadata = FileMetadata(Database())
    found = metadata._FileMetadata__buildUserMetaQuery({"share": {"=": value}})
    return list(found["Value"])


@pytest.mark.parametrize("value", ["50%", "100% sure", "%s"])
def test_dirac_cannot_fill_in_the_table_of_a_condition_with_a_percent_sign(value: str) -> None:
    ((table, condition),) = selection(value)
    with pytest.raises((TypeError, ValueError)):
        _ = condition % table
    ((table, condition),) = selection("50pct")
    assert condition % table == f'{table}.Value = "50pct"'
