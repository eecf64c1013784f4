"""Reads what somebody begins a production with, and hands a new file to the folder of productions.

Handing in is off until the deployment names the folder, ``[dirac_prodsys] new_files``.

Invariant: a file is new, or nothing happens: no file is ever changed or replaced, also by two
people at the same moment. It appears whole. What has errors, or what the site does not allow, is
refused.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from airflow.configuration import conf

import dirac_prodsys
from dirac_prodsys.core.community import communities
from dirac_prodsys.core.reports.page.answers.draft import (
    DraftAnswer,
    HandedIn,
    HandIn,
    RunbookAnswer,
    TemplateView,
)
from dirac_prodsys.core.reports.page.runbooks import runbook
from dirac_prodsys.core.text.wording import one_line
from dirac_prodsys.errors import Conflict, DefinitionErrors, NotFound, NotYet, ProdsysError
from dirac_prodsys.provider.bundle.allowed import demand_allowed
from dirac_prodsys.provider.page import rights
from dirac_prodsys.provider.page.draft import draft

log = logging.getLogger(__name__)

_SECTION, _OPTION = "dirac_prodsys", "new_files"
#: template → what it begins
_TEMPLATES = {
    "chain": "simulate, process, merge",
    "simulation": "one simulation",
    "merge": "merge files that are there",
    "replication": "copy files to other storage elements",
}
#: seconds that a check waits for another one
_PATIENCE = 5.0
#: one text is checked at a time, so that requests of other people are answered meanwhile
_CHECKING = threading.Lock()
_BOOK = re.compile(r"[A-Za-z_]{1,60}")


def templates() -> tuple[TemplateView, ...]:
    """Return the texts to begin with: our own, and those of communities."""
    own = resources.files(dirac_prodsys) / "cli" / "templates"
    found = [
        TemplateView(name=name, about=about, text=(own / f"{name}.yaml").read_text("utf-8"))
        for name, about in _TEMPLATES.items()
    ]
    for one in communities():
        package, _, file = one.template.partition(":")
        with contextlib.suppress(OSError, ImportError, ValueError):
            text = (resources.files(package) / file).read_text("utf-8") if package else ""
            if text:
                found.append(TemplateView(name=one.name, about=one.words, text=text))
    return tuple(found)


def checked(text: str, now: float) -> DraftAnswer:
    """Check a text.

    :raises NotYet: too many texts are checked at this moment.
    """
    with _alone():
        return draft(text, now)[0]


def hand_in_of(user: Any) -> HandIn:
    """Return whether a user may hand in a file."""
    why = _why_not(user)
    return HandIn(allowed=not why, why_not=why)


def hand_in(name: str, text: str, user: Any, now: float) -> HandedIn:
    """Write a new file into the folder of productions.

    :raises ProdsysError: it is refused; nothing was written.
    """
    if why := _why_not(user):
        raise ProdsysError(why, "download the text instead")
    folder = _folder()
    with _alone():
        answer, reading = draft(text, now)
    if answer.broken or reading is None or reading.production is None:
        raise ProdsysError(f"the text has mistakes: {answer.words}", "mend them first")
    production = reading.production
    if rights.is_served(production.name):
        raise Conflict(f"a production {production.name!r} is served already", "choose another name")
    try:
        demand_allowed(production, folder, str(conf.get(_SECTION, "new_files_bundle", fallback="")))
    except DefinitionErrors as errors:
        first = errors.errors[0]
        raise ProdsysError(f"the site does not allow it: {first.reason}", first.hint) from None
    who = one_line(rights.name_of(user), 100)
    end = "" if text.endswith("\n") else "\n"
    file = folder / f"{name}.yaml"
    _write(file, f"{text}{end}# handed in on the page of productions by {who}\n")
    log.info("%s handed in %s", who, file.name)
    words = "Its Dag appears when the folder is read again, within a minute; it begins no run."
    return HandedIn(file=file.name, words=words)


def runbook_of(name: str) -> RunbookAnswer:
    """Return a runbook.

    :raises NotFound: there is none of that name.
    """
    for folder in _books():
        path = folder / f"{name}.md"
        if _BOOK.fullmatch(name) and path.is_file():
            return runbook(name, path.read_text("utf-8"))
    raise NotFound(f"there is no runbook {name[:60]!r}", "see docs/runbooks of the package")


def _books() -> Iterator[Path]:
    """Yield where runbooks may be: beside the package's source, or where it was installed."""
    yield Path(dirac_prodsys.__file__).parents[2] / "docs" / "runbooks"
    yield Path(sysconfig.get_path("data")) / "share" / "dirac-prodsys" / "runbooks"


def _why_not(user: Any) -> str:
    """Return why a user may not hand in a file; empty: the user may."""
    if not str(conf.get(_SECTION, _OPTION, fallback="") or "").strip():
        return "This Airflow takes no files from the page: download the text, and put it there."
    if conf.getboolean("core", "multi_team", fallback=False):
        return "This Airflow has teams: a file from the page would belong to none."
    if not rights.may_edit_dags(user):
        return "Airflow does not let you edit all Dags."
    try:
        _folder()
    except ProdsysError as error:
        return f"{error.reason}."
    return ""


def _folder() -> Path:
    folder = Path(str(conf.get(_SECTION, _OPTION)).strip())
    if not folder.is_absolute() or not folder.is_dir():
        raise ProdsysError(f"[{_SECTION}] {_OPTION} names no folder by an absolute path")
    return folder


def _write(file: Path, text: str) -> None:
    """Write a file that was not there, whole or not at all.

    :raises Conflict: it is there, in capitals or not.
    """
    taken = {path.stem.lower() for path in file.parent.iterdir() if not path.is_dir()}
    if file.stem.lower() in taken:
        raise Conflict(f"{file.name} is there already", "choose another name")
    # a name that begins with a point is passed over by whatever reads the folder
    draft_ = file.parent / f".{file.name}.{secrets.token_hex(8)}"
    try:
        with draft_.open("x", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        os.link(draft_, file)  # fails if somebody was faster
    except FileExistsError:
        raise Conflict(f"{file.name} is there already", "choose another name") from None
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ProdsysError(f"the file cannot be written: {why}", "download the text") from None
    finally:
        draft_.unlink(missing_ok=True)


@contextmanager
def _alone() -> Iterator[None]:
    if not _CHECKING.acquire(timeout=_PATIENCE):
        raise NotYet("other texts are checked at this moment", "it is tried again soon")
    try:
        yield
    finally:
        _CHECKING.release()
