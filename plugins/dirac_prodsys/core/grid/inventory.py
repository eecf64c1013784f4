"""Holds what a grid has: names that a production may use, and transformations to choose from.

Invariant: names are those of the grid; an empty entry is unknown, and nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dirac_prodsys.errors import MetaQueryError

#: properties of a file that queries can use beside its metadata
#: (``DataManagementSystem/Client/MetaQuery.py``)
STANDARD_FIELDS = frozenset(
    {"CheckSum", "CreationDate", "FileName", "GID", "GUID", "ModificationDate", "Name", "Size"}
    | {"UID"}
)

_BARE = "DIRAC takes a bare word for it, and fails on the form in which queries are kept"

#: names that DIRAC reserves for properties of a file, and that our queries cannot use: name → the
#: property, and why not (``FileMetadata.__buildStandardMetaQuery``, 9.1)
UNASKABLE_FIELDS = {
    "Group": ("the DIRAC group of who registered a file", _BARE),
    "LastAccessDate": ("the day of the last access", "its database has no such column"),
    "Path": ("the path of a file", "DIRAC has a word for it and no query"),
    "SE": ("the storage elements that have a file", "DIRAC loses all conditions but a bare word"),
    "Status": ("the state of a file", "it is a number that only the database knows"),
    "User": ("the user who registered a file", _BARE),
}


def check_askable(field: str, *, made: bool = False) -> None:
    """Refuse names of file properties that cannot be used in a query, or set.

    :param made: whether the field is one that a step gives its files.
    :raises MetaQueryError: it is such a name; ``field``: which.
    """
    if made and (field in STANDARD_FIELDS or field in UNASKABLE_FIELDS):
        what, _ = UNASKABLE_FIELDS.get(field, ("what every file has of itself", ""))
        raise MetaQueryError(
            f"{field} is DIRAC's own word for {what}: no file is found by a metadata field of that "
            "name",
            "give the field another name",
            field=field,
        )
    if field in UNASKABLE_FIELDS:
        what, why = UNASKABLE_FIELDS[field]
        raise MetaQueryError(
            f"{field} is DIRAC's own word for {what}, and no condition on it works: {why}",
            f"select by metadata, or by one of: {', '.join(sorted(STANDARD_FIELDS))}",
            field=field,
        )


@dataclass(frozen=True)
class Inventory:
    """What a grid has.

    :param directory_fields: metadata field of directories → its type, as the catalogue gives it.
    :param file_fields: metadata field of files → its type, as the catalogue gives it.
    :param storage_elements: storage elements, and groups of them.
    :param transformation_types: types that the grid's agents work on.
    :param unset: sections of the configuration that plugins need and that are known to be empty.
    """

    directory_fields: Mapping[str, str] = field(default_factory=dict)
    file_fields: Mapping[str, str] = field(default_factory=dict)
    storage_elements: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    transformation_types: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Listed:
    """A transformation in a list of many.

    :param group: TransformationGroup.
    :param author_group: DIRAC group of its author; ``vo``: that group's VO, or empty.
    :param events_per_task: 0: unknown.
    :param created: when, in UTC, as ``2026-11-29 10:00:00``; empty: unknown.
    """

    id: int
    name: str
    type: str
    plugin: str
    status: str
    group: str
    author_group: str = ""
    vo: str = ""
    events_per_task: int = 0
    created: str = ""


@dataclass(frozen=True)
class FileShare:
    """Some files of a transformation.

    :param staying: output files that cleaning does not find.
    """

    files: int
    bytes: int
    staying: int = 0
