"""Writes the RO-Crate of a run, for ``dirac-prodsys history provenance --format ro-crate``.

Invariant: the folder is there when it is complete, and no folder of somebody else is overwritten.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dirac_prodsys.errors import DefinitionError, LedgerUnavailable

if TYPE_CHECKING:
    from dirac_prodsys.core.grid.catalogue_files import ListedFile
    from dirac_prodsys.core.reports.provenance import Provenance
    from dirac_prodsys.core.reports.ro_crate import Crate

_METADATA = "ro-crate-metadata.json"

#: most files of a dataset that a crate names: it is one JSON document, held in memory (2 GB)
MOST_FILES = 250_000


def read_lists(files: Sequence[Path], datasets: Sequence[str]) -> dict[str, tuple[ListedFile, ...]]:
    """Return the files of datasets, by the dataset's path.

    :param files: as ``datasets show --files --json`` writes them.
    :param datasets: those of the run.
    :raises DefinitionError: a file is no list, or that of another dataset.
    """
    from dirac_prodsys.core.reports.ro_crate import read_list

    found: dict[str, tuple[ListedFile, ...]] = {}
    way_out = "write it with `dirac-prodsys datasets show DATASET --files --json`"
    for file in files:
        try:
            dataset, listed = read_list(json.loads(file.read_bytes()))
        except OSError as error:
            raise DefinitionError(f"{file}: {error.strerror}", way_out) from None
        except ValueError as error:
            raise DefinitionError(f"{file} is no list of files: {error}", way_out) from None
        if len(listed) > MOST_FILES:
            raise DefinitionError(
                f"{file} has {len(listed):,} files, and a crate names {MOST_FILES:,} at most",
                "leave it out: number, bytes and checksum of the files are in the crate anyway",
            )
        if dataset not in datasets:
            raise DefinitionError(
                f"{file} lists the files of {dataset}, which this run did not make",
                f"it made {', '.join(datasets) or 'no dataset'}",
            )
        found[dataset] = listed
    return found


def write_crate(crate: Crate, inside: Mapping[str, str], folder: Path) -> None:
    """Write the crate, of which the entities are used up.

    :param inside: the files in it: name → text; those that the crate says nothing of are added.
    :raises DefinitionError: the folder is no place for it.
    :raises LedgerUnavailable: the library that writes it is not installed.
    """
    try:
        from rocrate.model import ContextEntity, DataEntity, File
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise LedgerUnavailable(
            "rocrate is not installed here", "pip install 'dirac-prodsys[provenance]'"
        ) from None
    from dirac_prodsys.core.reports.ro_crate import CONTEXT, VERSION, WORKFLOW_CRATE

    if folder.exists() and not (folder / _METADATA).is_file() and _is_used(folder):
        raise DefinitionError(f"{folder} is there, and no RO-Crate", "name a new folder")
    made = ROCrate(version=VERSION)
    made.metadata.extra_contexts.append(CONTEXT)
    if "mainEntity" in crate.root:
        made.metadata.append_to("conformsTo", {"@id": WORKFLOW_CRATE})
    for name, text in inside.items():
        told = crate.entities.get(name, {"@type": "File", "name": name})
        source = BytesIO(text.encode())
        made.add(File(made, source, name, properties=_properties(told), record_size=True))
    for name in [one for one in crate.entities if one not in inside]:
        # not kept twice: there may be hundreds of thousands
        entity = crate.entities.pop(name)
        kind = DataEntity if entity["@type"] == "File" else ContextEntity
        made.add(kind(made, name, properties=_properties(entity)))
    for key, value in crate.root.items():
        made.root_dataset[key] = value
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    made.write(unfinished)
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.replace(folder)


def prov_json(found: Provenance) -> str:
    """Write PROV-JSON.

    :raises LedgerUnavailable: the library that writes it is not installed.
    """
    try:
        from prov.model import ProvDocument
    except ImportError:
        raise LedgerUnavailable(
            "prov is not installed here", "pip install 'dirac-prodsys[provenance]'"
        ) from None
    document = ProvDocument()
    document.add_namespace("prodsys", "urn:dirac-prodsys:")
    for name, thing in found.things.items():
        attributes: dict[str, Any] = {"prov:label": thing.label}
        attributes |= {f"prodsys:{key}": value for key, value in thing.attributes.items()}
        if thing.kind == "activity":
            document.activity(f"prodsys:{name}", thing.begin, thing.end, attributes)
        else:
            getattr(document, thing.kind)(f"prodsys:{name}", attributes)
    for relation, source, target in found.relations:
        getattr(document, relation)(f"prodsys:{source}", f"prodsys:{target}")
    text: str = document.serialize(format="json", indent=1)
    return text


def _properties(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entity.items() if key != "@id"}


def _is_used(folder: Path) -> bool:
    return not folder.is_dir() or any(folder.iterdir())
