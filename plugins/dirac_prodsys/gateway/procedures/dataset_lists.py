"""Keeps the list of a dataset's files with the transformation that made them.

The catalogue forgets the names of removed files, even of frozen datasets. The list is an additional
parameter of the transformation, which outlives its tasks and files: DIRAC archives them, and keeps
the parameters.

Invariant: what is read is what was written, or nothing; a list that is too long is not kept.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.catalogue_files import CatalogueFile, ListedFile
from dirac_prodsys.core.grid.dataset_origin import read_origin
from dirac_prodsys.gateway.procedures.fresh_starts import find_newest
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import DatasetRecord

#: additional parameter of a transformation that holds the list
FILE_LIST = "DatasetFiles"
#: most characters that are kept: some 100,000 files
MOST = 2**20
#: most characters of an unpacked list: what was stored might be anything
_UNPACKED = 2**28


def keep_list(
    gateway: ProductionGateway, transformation: int, files: Iterable[CatalogueFile]
) -> bool:
    """Keep the list of files; return False if it is too long.

    :raises GatewayError: as :meth:`ProductionGateway.write_note`.
    """
    text = pack(files)
    if len(text) > MOST:
        return False
    if gateway.read_note(transformation, FILE_LIST) != text:
        gateway.write_note(transformation, FILE_LIST, text)
    return True


def kept_list(gateway: ProductionGateway, record: DatasetRecord) -> list[ListedFile] | None:
    """Return the list that was kept when a dataset was made; None: there is none.

    The annotation of the dataset says which transformation made its files.
    """
    origin = read_origin(record.annotation)
    if origin is None:
        return None
    name = naming.SEPARATOR.join((origin.production, origin.run, origin.step))
    found = find_newest(gateway, [name]).get(name)
    return None if found is None else unpack(gateway.read_note(found.id, FILE_LIST))


def pack(files: Iterable[CatalogueFile]) -> str:
    """Return the list as text: compressed, with letters and digits only."""
    lines = sorted(f"{one.lfn}\t{one.size}\t{one.checksum}" for one in files)
    packed = zlib.compress("\n".join(lines).encode(), 9)
    return base64.b64encode(packed).decode("ascii")


def unpack(text: str) -> list[ListedFile] | None:
    """Return the list of a text; None: it is none."""
    if not text:
        return None
    try:
        packed = base64.b64decode(text, validate=True)
        lines = zlib.decompressobj().decompress(packed, _UNPACKED).decode().split("\n")
        rows = [line.split("\t") for line in lines if line]
        return [ListedFile(lfn, int(size), checksum) for lfn, size, checksum in rows]
    except (binascii.Error, zlib.error, UnicodeDecodeError, ValueError):
        return None
