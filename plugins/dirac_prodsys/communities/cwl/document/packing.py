"""Packs a whole process into one text: canonical JSON, compressed, with its digest.

Invariant: equal processes are packed alike on every machine, so that a digest pins what runs; and
what is unpacked is the process, or refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from typing import Any

from dirac_prodsys.core.language.located import Located

PREFIX = "sha256:"
#: characters of a packed process: it travels as one argument of a program, 128 KiB at most
MOST_PACKED = 90_000
#: bytes of JSON that are unpacked
MOST_BYTES = 4 * 1024 * 1024


def canonical(process: Any) -> str:
    """Return the JSON text of which the digest is made."""
    return json.dumps(process, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(process: Any) -> str:
    """Return the digest of a process."""
    return PREFIX + hashlib.sha256(canonical(process).encode()).hexdigest()


def pack(process: Any) -> str:
    """Return the process as one word of letters, digits and ``+ / =``."""
    return base64.b64encode(zlib.compress(canonical(process).encode(), 9)).decode("ascii")


def unpack(packed: str) -> Any:
    """Return the process.

    :raises ValueError: it is none.
    """
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(base64.b64decode(packed, validate=True), MOST_BYTES)
        if reader.unconsumed_tail or not reader.eof:
            raise ValueError("too long, or cut off")
        return json.loads(text)
    except (binascii.Error, zlib.error, RecursionError) as error:
        raise ValueError(str(error)) from None


def with_lines(tree: Located) -> tuple[str, dict[int, Located]]:
    """Return the JSON text of a tree, one value on each line, and what stands on which line."""
    lines: dict[int, Located] = {}
    parts: list[str] = []

    def write(located: Located, before: str, after: str) -> None:
        value = located.value
        lines[len(parts) + 1] = located
        if isinstance(value, dict | tuple) and value:
            keyed = isinstance(value, dict)
            parts.append(before + ("{" if keyed else "["))
            entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
            for number, (key, entry) in enumerate(entries, 1):
                name = f"{json.dumps(key)}: " if keyed else ""
                write(entry, name, "," if number < len(entries) else "")
            parts.append(("}" if keyed else "]") + after)
        else:
            parts.append(before + json.dumps(located.plain()) + after)

    write(tree, "", "")
    return "\n".join(parts) + "\n", lines
