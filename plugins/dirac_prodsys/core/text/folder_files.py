"""Decides which files of a folder count, and what for: one rule, for the Dag bundle and ``lint``.

* Names of files and folders that begin with ``.``, ``#`` or ``~`` belong to editors, to version
  control and to volumes of Kubernetes: they are passed over.
* What ends in ``.yaml``, ``.yml`` or ``.graphml``, or in an ending of a built-in community, in
  capitals or not, is a production; if its name begins with ``_`` it is there for others to use.
* Names that are no UTF-8 text count, and cannot be read: two of them could look the same.
* The bundle serves the files of its folder, not those of sub-folders. Each of these is a folder of
  its own: for a bundle of its own, or to copy from.

Invariant: pure, and decided by the name alone.
"""

from __future__ import annotations

from dirac_prodsys.core.community import built_in

ENDINGS = (".yaml", ".yml", ".graphml", *(e for one in built_in() for e in one.endings))
#: endings of other files that productions may read
BESIDE_ENDINGS = (*ENDINGS, ".txt")

_PASSED_OVER = (".", "#", "~")

NO_TEXT = "its name is not UTF-8 text: rename it"
LEADS_OUT = "it is a link that leads out of the folder, and is not followed"


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is ignored here."""
    return name.startswith(_PASSED_OVER)


def counts(name: str) -> bool:
    """Whether a change of a file of this name may change a production."""
    return name.lower().endswith(BESIDE_ENDINGS) and not is_passed_over(name)


def is_production(name: str) -> bool:
    """Whether a file of this name is a production by itself."""
    return name.lower().endswith(ENDINGS) and not is_passed_over(name) and not name.startswith("_")


def is_text(name: str) -> bool:
    """Whether the name can be shown as it is: bytes that are not UTF-8 are surrogates here."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def readable(name: str) -> str:
    """Return the name as it can be shown and written; different names are shown differently."""
    return "".join(map(_shown, name))


def _shown(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":  # a byte that is no text
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
