"""Asks cwl-utils, in a process of its own, whether a process is valid CWL.

Importing it takes seconds and a hundred megabytes, and it follows loops until Python gives up. So
it never runs in the process that reads a production: a child gets one text without references,
within bounds of time and memory, and answers with its messages.

Invariant: the child reads no file and no network for the document, and ends within
:data:`SECONDS`. Where cwl-utils is not installed, nothing is asked.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dirac_prodsys.communities.cwl.document.packing import with_lines
from dirac_prodsys.communities.cwl.document.references import WRONG
from dirac_prodsys.core.language.located import Located, Mistakes

#: seconds for which the child may think, its imports included: a file is read within 60
SECONDS = 40.0
NAME = "packed.cwl"
#: run by its path: this package may be importable in the process that reads alone
_CHILD = Path(__file__).with_name("validity_child.py")
_PLACE = re.compile(rf"{re.escape(NAME)}:(\d+):\d+:\s*(.*)")
_SHOWN = 300


class Switch:
    """Whether children are started."""

    on = True


@contextmanager
def nobody_asked() -> Iterator[None]:
    """Start no children: what is looked at is what the reading process does itself."""
    before, Switch.on = Switch.on, False
    try:
        yield
    finally:
        Switch.on = before


def check(tree: Located, mistakes: Mistakes) -> None:
    """Note what cwl-utils says against a whole process."""
    if not Switch.on or not installed():
        return
    text, lines = with_lines(tree)
    message = ask("validate", text)
    if not message:
        return
    places = [(int(line), words) for line, words in _PLACE.findall(message)]
    where, words = tree, message.strip().splitlines()[-1]
    if places:
        number, words = places[-1]
        where = lines.get(number, tree)
    reason = f"not valid CWL: {' '.join(words.split())[:_SHOWN] or 'see the specification'}"
    mistakes.add(where, reason, "see the specification of CWL, v1.2", code=WRONG)


@functools.cache
def installed() -> bool:
    """Whether cwl-utils can be asked."""
    return importlib.util.find_spec("cwl_utils") is not None


@functools.lru_cache(maxsize=256)
def ask(what: str, text: str) -> str:
    """Return the answer of a child; of ``validate``: what is wrong, empty if nothing is."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(_CHILD), what],
            input=text,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"reading it took more than {SECONDS:.0f} s"
    if done.returncode:
        return f"its reader came to an end: {done.stderr.strip()[-_SHOWN:]}"
    answer: str = json.loads(done.stdout)
    return answer
