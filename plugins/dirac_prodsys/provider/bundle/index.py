"""What the last refresh saw and served, as it is kept on the disk between processes.

Invariant: an index that is missing or damaged costs no production its last good text: it is made
again of what is served.
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
from dirac_prodsys.provider.bundle.snapshots import write
from dirac_prodsys.provider.bundle.sources import Signature

log = logging.getLogger(__name__)

#: how a stub names the file that its text came from
_SOURCE = re.compile(r"^dag = dag_from_file\(__file__, '([^'\\]*)', ", re.MULTILINE)


@dataclass(frozen=True)
class Index:
    """What there was.

    :param version: of what was served; empty: nothing is known.
    :param signatures: of the files of the folder.
    :param productions: what was served, by production.
    :param identity: which directory the folder was.
    """

    version: str = ""
    signatures: Mapping[str, Signature] = field(default_factory=dict)
    productions: Mapping[str, Served] = field(default_factory=dict)
    identity: str = ""


def read_index(path: Path, latest: Path) -> Index:
    """The index; made of what stands in the served folder if there is none, or it is damaged."""
    try:
        return _parsed(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return Index(productions=_served(latest))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("%s is damaged and made anew: %s", path, error)
        return Index(productions=_served(latest))


def write_index(path: Path, index: Index) -> None:
    """Keep it."""
    record = {
        "version": index.version,
        "signatures": {name: list(signature) for name, signature in index.signatures.items()},
        "productions": {name: vars(served) for name, served in index.productions.items()},
        "identity": index.identity,
    }
    write(path, json.dumps(record).encode())


def _parsed(record: Any) -> Index:
    return Index(
        version=str(record["version"]),
        signatures={name: tuple(s) for name, s in record["signatures"].items()},
        productions={name: Served(**served) for name, served in record["productions"].items()},
        identity=str(record.get("identity", "")),
    )


def _served(latest: Path) -> dict[str, Served]:
    """The productions whose texts are in the served folder."""
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
