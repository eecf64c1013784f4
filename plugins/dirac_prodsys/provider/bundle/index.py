"""Keeps on disk, between processes, what the last refresh saw and served.

Invariant: a missing or damaged index costs no production its last good text: it is made again from
what is served.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.provider.bundle.shelf import Served
from dirac_prodsys.provider.bundle.sources import Signature

log = logging.getLogger(__name__)

#: what reading a damaged index raises, or one of a later version of this package
DAMAGED = (OSError, ValueError, TypeError, KeyError, AttributeError)

#: the line in which a stub names the file of its text
_SOURCE = re.compile(r"^dag = dag_from_file\(__file__, '([^'\\]*)', ", re.MULTILINE)


@dataclass(frozen=True)
class Index:
    """The state after a refresh.

    :param version: version of what was served; empty: unknown.
    :param signatures: signatures of the files of the folder, by name.
    :param productions: what was served, by production.
    :param identity: identity of the folder's directory.
    """

    version: str = ""
    signatures: Mapping[str, Signature] = field(default_factory=dict)
    productions: Mapping[str, Served] = field(default_factory=dict)
    identity: str = ""


def read_index(path: Path, latest: Path) -> Index:
    """Return the index; if it is missing or damaged, make it from the served folder."""
    try:
        return parsed_index(path.read_bytes())
    except FileNotFoundError:
        return Index(productions=_served(latest))
    except DAMAGED as error:
        log.warning("%s is damaged and made anew: %s", path, error)
        return Index(productions=_served(latest))


def index_text(index: Index) -> bytes:
    """Return the index as it is kept."""
    record = {
        "version": index.version,
        "signatures": {name: list(signature) for name, signature in index.signatures.items()},
        "productions": {name: vars(served) for name, served in index.productions.items()},
        "identity": index.identity,
    }
    return json.dumps(record).encode()


def parsed_index(text: bytes) -> Index:
    """Return the index that is kept as this text.

    :raises Exception: one of :data:`DAMAGED`.
    """
    record: Any = json.loads(text)
    return Index(
        version=str(record["version"]),
        signatures={name: tuple(s) for name, s in record["signatures"].items()},
        productions={name: Served(**served) for name, served in record["productions"].items()},
        identity=str(record.get("identity", "")),
    )


def _served(latest: Path) -> dict[str, Served]:
    """Return the productions with texts in the served folder."""
    found: dict[str, Served] = {}
    for path in sorted(latest.glob("*.yaml")):
        try:
            text = path.read_text("utf-8")
            stub = _SOURCE.search(path.with_suffix(".py").read_text("utf-8"))
            file = stub[1] if stub is not None else path.name
            found[load_production(text, file).name] = Served(file, text)
        except (OSError, UnicodeDecodeError, ProdsysError):
            continue
    return found
