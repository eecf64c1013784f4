"""Checks the operations of a request against DIRAC's demands, and reads them as DIRAC does.

Every task of data management becomes a request (``TransformationSystem/Client/RequestTasks.py``).
It is validated before it is sent (``RequestManagementSystem/private/RequestValidator.py``), and a
refused one leaves its task Created for ever, which only the log of an agent reports. Its files have
an LFN and nothing else. Lists are cut at commas, and blanks stay part of a name
(``Client/Operation.py``).

Invariant: operations without a mistake pass DIRAC's validator for any files, and name storage
elements as DIRAC reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

#: operation → its required attributes, and the required attributes of its files, as in
#: ``RequestValidator.reqAttrs``
REQUIRED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "ForwardDISET": (frozenset({"Arguments"}), frozenset()),
    "PutAndRegister": (frozenset({"TargetSE"}), frozenset({"LFN", "PFN"})),
    "ReplicateAndRegister": (frozenset({"TargetSE"}), frozenset({"LFN"})),
    "PhysicalRemoval": (frozenset({"TargetSE"}), frozenset({"LFN"})),
    "RemoveFile": (frozenset(), frozenset({"LFN"})),
    "RemoveReplica": (frozenset({"TargetSE"}), frozenset({"LFN"})),
    "ReTransfer": (frozenset({"TargetSE"}), frozenset({"LFN", "PFN"})),
    "RegisterFile": (
        frozenset(),
        frozenset({"LFN", "PFN", "ChecksumType", "Checksum", "GUID"}),
    ),
    "RegisterReplica": (frozenset({"TargetSE"}), frozenset({"LFN", "PFN"})),
}
#: attributes that the handlers of other operations use unchecked
#: (``DataManagementSystem/Agent/RequestOperations``)
USED: Mapping[str, frozenset[str]] = {
    "MoveReplica": frozenset({"SourceSE", "TargetSE"}),
    "ArchiveFiles": frozenset({"Arguments"}),
}
#: attributes of a file of a task
OF_FILES = frozenset({"LFN"})

#: attributes with names of storage elements; handlers ask about the first as one name
#: (``DMSRequestOperationsBase.checkSEsRSS``)
ONE_PLACE, PLACES = "SourceSE", "TargetSE"

#: what the plugin chose for the task: the only value of a task that an operation can use
OF_THE_TASK = "TASK:TargetSE"

#: form of the name of a storage element (``FC_StorageElements.SEName``)
STORAGE_ELEMENT = re.compile(r"[A-Za-z0-9_.-]{1,127}")
_TASK = "TASK:"
_CATALOG = re.compile(r"[A-Za-z0-9_-]+")

#: plugins that choose, as a task's TargetSE, where its files already are
_WHERE_FILES_ARE = frozenset({"Standard", "BySize", "ByShare"})


def trimmed(value: str) -> str:
    """Return a list of names without blanks around them."""
    return ",".join(part.strip() for part in value.split(","))


def mistakes(kind: str, attributes: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the mistakes of an operation: the attribute or ``type``, the reason and the way out.

    :param attributes: attributes as written, under DIRAC's names.
    """
    needed, of_files = REQUIRED.get(kind, (USED.get(kind, frozenset()), OF_FILES))
    if lacking := sorted(of_files - OF_FILES):
        reason = f"{kind} needs {', '.join(lacking)} of every file, and files of a task have an "
        reason += "LFN only: DIRAC would refuse every request"
        yield "type", reason, "let the job that makes the files register them, as outputs are"
        return
    outcome = "every request would fail"
    if kind in REQUIRED:
        outcome = "DIRAC would refuse every request, and the tasks would stay Created"
    for name in sorted(needed):
        if not attributes.get(name, "").strip(", "):
            yield (
                name,
                f"{kind} needs {name}: {outcome}",
                f"add {name}: " + ("DISK-A-SE" if name.endswith("SE") else "what it works with"),
            )
    for name in (ONE_PLACE, PLACES):
        if attributes.get(name, "").strip(", "):
            yield from _places(kind, name, attributes[name])
    catalogs = trimmed(attributes.get("Catalog", ""))
    for catalog in catalogs.split(",") if catalogs else ():
        if not _CATALOG.fullmatch(catalog):
            hint = "use letters, digits, _ and -, with commas between several"
            yield "Catalog", f"{catalog!r} cannot name a catalogue", hint


def chooses_where_files_are(plugin: str, attributes: Mapping[str, str]) -> bool:
    """Whether files would be copied to where they are."""
    return plugin in _WHERE_FILES_ARE and attributes.get(PLACES, "").strip() == OF_THE_TASK


def _places(kind: str, name: str, value: str) -> Iterator[tuple[str, str, str]]:
    parts = trimmed(value).split(",")
    if name == ONE_PLACE and len(parts) > 1:
        yield (
            name,
            f"{kind} takes {value!r} for the name of one storage element",
            "name one, or leave it out: DIRAC takes any copy that it can read",
        )
        return
    for part in parts:
        if _TASK in part and (part != OF_THE_TASK or len(parts) > 1 or name == ONE_PLACE):
            reason = f"{value!r}: DIRAC puts a value of the task in place of the whole text, and "
            reason += f"a task knows {OF_THE_TASK} only"
            yield name, reason, f"write {PLACES}: {OF_THE_TASK} alone, or the names themselves"
            return
        if part != OF_THE_TASK and not STORAGE_ELEMENT.fullmatch(part):
            yield (
                name,
                f"{part!r} cannot name a storage element",
                "use letters, digits and _ . -, at most 127, with commas between several",
            )
