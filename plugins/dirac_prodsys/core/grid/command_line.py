"""Reads the command line of a program as DIRAC does, and finds what was probably meant otherwise.

``Workflow/Modules/Script.py`` joins executable and arguments, splits the line with ``shlex.split``
and starts the program: quotes and backslashes work as in a shell, and nothing else does. On its way
the line is text in an XML document (``Core/Workflow/Parameter.py``, CDATA).

Invariant: special characters within quotes are never reported: there they are meant literally.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from dirac_prodsys.core.models import spelled
from dirac_prodsys.core.text.characters import TYPOGRAPHIC, named

#: ends the CDATA in which DIRAC's XML holds every text
CDATA_END = "]]>"

#: programs that read a command line themselves after ``-c``
SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh"})

#: words with a meaning in a shell: ``|``, ``&&``, ``;``, ``> log``, ``2>&1``, ``<in``
_OPERATOR = re.compile(
    r"(?:\|\|?|\|&|&&?|;;?|<<?<?|\d?>>?|&>>?|\d?>&\d?|<&\d?)"  # alone
    r"|(?:\d?>>?|&>>?)(?:&\d|&-|[A-Za-z_./~$\"'@-].*)"  # with the file behind it
    r"|<[A-Za-z_./~$@-][^<>]*"
    r"|[^;]+;",  # the end of a command
    re.DOTALL,
)
_EXPANDED = re.compile(r"\$(?:[A-Za-z_]\w*|\{[^{}]*\}|\()|`")
_MOST = 5
_BLANKS = " \t\r\n"
#: an open quote, if any → characters without a special meaning there
_UNTIL = {
    "": re.compile(r"[^ \t\r\n'\"\\]*"),
    "'": re.compile(r"[^']*"),
    '"': re.compile(r'[^"\\]*'),
}

_BY_A_SHELL = "executable: bash, arguments: -c '…', so that a shell reads the line"


@dataclass(frozen=True)
class Word:
    """One argument of the program.

    :param text: what the program gets.
    :param written: as written in the line.
    :param bare: its characters outside of quotes and not after a backslash; others are ``\\0``.
    :param alive: likewise, including those in double quotes, where a shell fills in variables.
    """

    text: str
    written: str
    bare: str
    alive: str


@lru_cache(maxsize=8)  # steps share their lines, and each is asked for five times
def words(line: str) -> tuple[Word, ...]:
    """Split the line into words as ``shlex.split`` does.

    :raises ValueError: a quote is not closed, or nothing follows the last backslash.
    """
    found: list[Word] = []
    begin, quote, place = -1, "", 0
    text: list[str] = []
    bare: list[str] = []
    alive: list[str] = []

    def word(end: int) -> Word:
        made = Word("".join(text), line[begin:end], "".join(bare), "".join(alive))
        for part in (text, bare, alive):
            part.clear()
        return made

    while place < len(line):
        sign = line[place]
        if not quote and sign in _BLANKS:
            if begin >= 0:
                found.append(word(place))
                begin = -1
            place += 1
            continue
        begin = place if begin < 0 else begin
        if sign == quote or (not quote and sign in "'\""):
            quote = "" if quote else sign
            place += 1
            continue
        if sign == "\\" and quote != "'":
            if place + 1 == len(line):
                raise ValueError("No escaped character")
            after = line[place + 1]
            if not quote or after in '"\\':
                text.append(after)
                bare.append("\0")
                alive.append("\0")
                place += 2
                continue
        run = _UNTIL[quote].match(line, place + 1)  # plain text in one piece
        end = run.end() if run else place + 1
        text.append(line[place:end])
        bare.append("\0" * (end - place) if quote else text[-1])
        alive.append("\0" * (end - place) if quote == "'" else text[-1])
        place = end
    if quote:
        raise ValueError("No closing quotation")
    if begin >= 0:
        found.append(word(place))
    return tuple(found)


def mistake(line: str) -> tuple[str, str] | None:
    """Say why DIRAC could not start a program with this line, and the way out; None: it could."""
    if CDATA_END in line:
        return (
            f"the text {CDATA_END} ends the XML in which DIRAC keeps the line",
            "write it otherwise, such as ]] >",
        )
    try:
        words(line)
    except ValueError as error:
        if "quotation" in str(error):
            return (
                "a quote is not closed: every job would fail when DIRAC splits the line",
                'close it; an apostrophe that is meant stands in double quotes: "it\'s"',
            )
        return (
            "nothing follows the last backslash: every job would fail when DIRAC splits the line",
            "drop it, or write \\\\ for a backslash",
        )
    return None


def remarks(executable: str, arguments: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a shell would do with the line and DIRAC does not: code, reason and way out."""
    try:
        split = words(arguments)
    except ValueError:
        return  # reported as a mistake
    split = tuple(w for index, w in enumerate(split) if not _is_script(executable, split, index))
    meant = [w.written for w in split if _OPERATOR.fullmatch(w.bare)]
    if meant:
        yield (
            "no-shell",
            f"no shell reads this line: the program gets {_say(meant)} as {_argument(meant)}",
            "drop it, as a job's output is kept in its log; quote what is meant as text; or write "
            + _BY_A_SHELL,
        )
    filled = [w.written for w in split if _EXPANDED.search(w.alive) or _is_home(w)]
    if filled:
        hint = (
            f"write the value itself, put it in single quotes if it is meant so, or {_BY_A_SHELL}"
        )
        if any(re.search(r"\$\{?(?:JOB|PRODUCTION)_ID", word) for word in filled):
            hint = "did you mean @{JOB_ID}? It is the number of the task, which DIRAC fills in"
        yield (
            "no-shell",
            f"no shell reads this line: the program gets {_say(filled)} as it stands",
            hint,
        )
    signs = sorted({sign for w in split for sign in w.bare if sign in TYPOGRAPHIC})
    if signs:
        wanted = " ".join(dict.fromkeys(TYPOGRAPHIC[sign] for sign in signs))
        yield (
            "typographic",
            f"{', '.join(map(named, signs))}: the program gets it as it stands",
            f"write {wanted} where that is meant; quote the text where it is not",
        )


def fills_in(value: str) -> str:
    """Return what a shell would fill in, in a value that keeps its quotes; empty: nothing."""
    found = _EXPANDED.search(value)
    return found[0] if found else ""


def executable_mistake(executable: str) -> tuple[str, str] | None:
    """Say why DIRAC would not start this program, and the way out; None: it would."""
    found = mistake(executable)
    if found is None and [word.text for word in words(executable)] != [executable]:
        return (
            f"DIRAC splits {spelled(executable)} as a shell does, and would start another program",
            "name the program without quotes and backslashes",
        )
    return found


def _is_script(executable: str, split: tuple[Word, ...], index: int) -> bool:
    """Whether this word is a script that the program itself reads as a shell."""
    program = executable.rpartition("/")[2]
    before = split[index - 1].text if index else ""
    return program in SHELLS and bool(re.fullmatch(r"-[a-z]*c", before))


def _is_home(word: Word) -> bool:
    return word.bare == "~" or word.bare.startswith("~/")


def _say(found: list[str]) -> str:
    shown = ", ".join(word[:40] for word in list(dict.fromkeys(found))[:_MOST])
    return f"{shown}, …" if len(set(found)) > _MOST else shown


def _argument(found: list[str]) -> str:
    return "an argument" if len(set(found)) == 1 else "arguments"
