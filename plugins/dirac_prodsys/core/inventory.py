"""What a grid has that a production may name, as a value.

Invariant: names as the grid says them; what is empty is not known, and nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: what a file is, for queries, beside its metadata (``DataManagementSystem/Client/MetaQuery.py``);
#: not SE, User and Group, of which the catalogue loses any condition that is not a bare value
STANDARD_FIELDS = frozenset(
    {"CheckSum", "CreationDate", "FileName", "GUID", "LastAccessDate", "ModificationDate", "Size"}
)


@dataclass(frozen=True)
class Inventory:
    """What a grid has.

    :param directory_fields: metadata field of directories → its type, as the catalogue says it.
    :param file_fields: the same of files.
    :param storage_elements: and groups of them.
    :param transformation_types: that the grid's agents work on.
    :param unset: sections of the configuration that plugins need and that are known to be empty.
    """

    directory_fields: Mapping[str, str] = field(default_factory=dict)
    file_fields: Mapping[str, str] = field(default_factory=dict)
    storage_elements: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    transformation_types: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()
