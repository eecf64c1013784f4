"""What a grid has that a production may name, as a value.

Invariant: names as the grid says them; what is empty is not known, and nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dirac_prodsys.core.meta_value import MetaQueryError

#: what a file is, for queries, beside its metadata (``DataManagementSystem/Client/MetaQuery.py``)
STANDARD_FIELDS = frozenset(
    {"CheckSum", "CreationDate", "FileName", "GID", "GUID", "ModificationDate", "Name", "Size"}
    | {"UID"}
)

#: names that DIRAC keeps for what a file is, and by which no query of ours can ask: name → what it
#: is, and why not (``FileMetadata.__buildStandardMetaQuery``, 9.1)
UNASKABLE_FIELDS = {
    "Group": "the DIRAC group of who registered the file, of which DIRAC takes a bare word only",
    "LastAccessDate": "a date for which DIRAC's database has no column",
    "Path": "a name for which DIRAC has no condition",
    "SE": "the storage elements that have the file, of which DIRAC loses most conditions",
    "Status": "the number of a file's state in the database",
    "User": "who registered the file, of which DIRAC takes a bare word only",
}


def check_askable(field: str, *, made: bool = False) -> None:
    """Refuse names that stand for what a file is where these cannot be asked for, or set.

    :param made: the field is one that a step gives its files.
    :raises MetaQueryError: it is such a name; ``field``: which.
    """
    what = UNASKABLE_FIELDS.get(field)
    if what is None and made and field in STANDARD_FIELDS:
        what = "what every file has of itself"
    if what is None:
        return
    if made:
        raise MetaQueryError(
            f"{field} is DIRAC's own word: {what}; no metadata field of that name can be found by",
            "give the field another name",
            field=field,
        )
    raise MetaQueryError(
        f"{field} is DIRAC's own word, and no field to select by: {what}",
        f"select by metadata, or by one of: {', '.join(sorted(STANDARD_FIELDS))}",
        field=field,
    )


@dataclass(frozen=True)
class Inventory:
    """What a grid has.

    :param directory_fields: metadata field of directories → its type, as the catalogue says it.
    :param file_fields: the same of files.
    :param storage_elements: and groups of them.
    :param transformation_types: that the grid's agents work on.
    """

    directory_fields: Mapping[str, str] = field(default_factory=dict)
    file_fields: Mapping[str, str] = field(default_factory=dict)
    storage_elements: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    transformation_types: frozenset[str] = frozenset()
