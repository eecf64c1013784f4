"""Decides what to serve to Airflow from the sources: the last good text of each production.

The rules, in the order in which each refresh applies them:

* A good file serves its production. If two files define one production, the one that served it
before goes on; the other gets an error of its own.
* A broken file leaves its production as it was, and gets an error of its own. Airflow would
otherwise mark the DAG stale and freeze its running runs. The page of the DAG shows the error.
* A production whose file is gone, or now defines another, is *retired*: its DAG stays, marked and
without new runs, for as long as Airflow has a run of it, so that its record is found. Putting the
file back takes the production up again. (Deleting a file does not stop its runs; stopping them is a
separate act.)

Invariant: a pure function of (sources, what was served, which productions have runs); a stub
changes only when its content about the production does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dirac_prodsys.core import naming
from dirac_prodsys.core.naming import BROKEN, RETIRED
from dirac_prodsys.core.problems import short
from dirac_prodsys.core.run.approval import quoted
from dirac_prodsys.core.run.dag_shape import VERSION
from dirac_prodsys.provider.bundle.sources import Source

_STUB = '''"""Airflow DAG of the production {production!r}; written by ProductionsDagBundle, do
not edit."""

from dirac_prodsys.provider.dag_builder import dag_from_file

dag = dag_from_file(__file__, {source!r}, {note!r}, shape={shape}{mark})
'''

#: an import error is shown for this file alone; the code holds nothing of the user's but a quoted
#: text
_ERROR = '''"""Airflow shows why a file gives no DAG; written by ProductionsDagBundle, do not
edit."""

from dirac_prodsys.errors import DefinitionError

raise DefinitionError({message!r})
'''

_RETIRED = (
    "**Retired:** {why}. Its runs go on with the text that they began with; a new one fails before "
    "it creates anything. This DAG stays for as long as Airflow has a run of it: delete the DAG to "
    "be rid of it and of its runs. {back}"
)
_BACK = "Put the file back to take it up again."
_BACK_APART = "Put its text into a file of its own to take it up again."

_BROKEN = (
    "**{file} has an error**{since}. This DAG, and whatever new run is triggered, goes on with "
    "its last good text:\n\n{error}"
)

#: most characters of an error on the page of a DAG; all of it is among the import errors
_MOST_SHOWN = 4000


@dataclass(frozen=True)
class Served:
    """A production that is served.

    :param file: the source of its text.
    :param text: its last good text.
    :param retired: True when the source is gone, or defines another production.
    :param defines: if retired, the production that its source now defines; empty: the source is
        gone.
    :param error: what is wrong with the source, which is not served as it is; empty: nothing.
    :param since: the moment at which the error was first seen, in words.
    """

    file: str
    text: str
    retired: bool = False
    defines: str = ""
    error: str = ""
    since: str = ""

    @property
    def note(self) -> str:
        """Return the note on its DAG about its state, in Markdown; empty when all is well."""
        if self.retired:
            why = (
                f"{self.file} now defines {self.defines}"
                if self.defines
                else f"{self.file} is gone"
            )
            return _RETIRED.format(why=why, back=_BACK_APART if self.defines else _BACK)
        if self.error:
            since = self.since and f" since {self.since}"
            shown = quoted([short(self.error, _MOST_SHOWN)])
            return _BROKEN.format(file=self.file, since=since, error=shown)
        return ""

    @property
    def mark(self) -> str:
        """Return the tag of its DAG for its state; empty when all is well."""
        return RETIRED if self.retired else BROKEN if self.error else ""


@dataclass(frozen=True)
class Shelf:
    """All that is served.

    :param productions: productions by name.
    :param errors: errors by source file.
    """

    productions: Mapping[str, Served]
    errors: Mapping[str, str]

    @property
    def retired(self) -> list[str]:
        """Return the names of the productions with a source that is gone, or defines another."""
        return sorted(name for name, served in self.productions.items() if served.retired)

    def without(self, names: Collection[str]) -> Shelf:
        """Return the shelf without some productions."""
        kept = {name: s for name, s in self.productions.items() if name not in names}
        return Shelf(kept, self.errors)

    def files(self) -> dict[str, bytes]:
        """Return the folder that Airflow reads: file names and contents."""
        files: dict[str, bytes] = {}
        for name, served in self.productions.items():
            stem = file_stem(name)
            mark = f", mark={served.mark!r}" if served.mark else ""
            code = _STUB.format(
                production=name, source=served.file, note=served.note, shape=VERSION, mark=mark
            )
            files[f"{stem}.yaml"] = served.text.encode()
            files[f"{stem}.py"] = code.encode()
        for file, message in self.errors.items():
            code = error_code(f"{message}{self._goes_on(file)}")
            files[f"{_safe(file, '.')}.py"] = code.encode()
        return files

    def _goes_on(self, file: str) -> str:
        """Return a line that names the DAGs which a broken file leaves as they were.

        It is needed because Airflow lists the error of the file under a name of its own.
        """
        own = sorted(n for n, each in self.productions.items() if each.error and each.file == file)
        return f"\n  DAG {', '.join(own)} goes on with its last good text" if own else ""


def error_code(message: str) -> str:
    """Return the text of a file that does nothing but raise the message."""
    return _ERROR.format(message=message)


def arrange(
    sources: Iterable[Source],
    before: Mapping[str, Served],
    *,
    owners: Mapping[str, str] | None = None,
    keep: bool = False,
    now: str = "",
) -> Shelf:
    """Return what to serve now.

    :param before: what was served until now, by production.
    :param owners: DAG IDs of other bundles → the names of these bundles.
    :param keep: retire no production, whatever is gone: not all is known yet.
    :param now: the moment, in words for a person.
    """
    owners = owners or {}
    by_file = {source.file: source for source in sources}
    broken = {file: source.error for file, source in by_file.items() if source.error}
    errors = dict(broken)
    productions: dict[str, Served] = {}
    for name, claims in _claims(by_file.values()).items():
        owner = _owner(claims, before.get(name), broken)
        if name in owners and name not in before:
            for file in claims:
                errors[file] = (
                    f"{file}: a DAG {name!r} is already defined by bundle {owners[name]!r}: "
                    "give the production another name"
                )
            continue
        if owner in claims:
            productions[name] = Served(owner, claims[owner])
        for file in claims:
            if file != owner:
                errors[file] = f"{file}: production {name!r} is already defined by {owner}"
    _refuse_twins(productions, before, errors)
    for name, served in before.items():
        if name not in productions:
            source = by_file.get(served.file)
            productions[name] = _left_behind(name, served, source, errors, keep=keep, now=now)
    return Shelf(productions, errors)


def _left_behind(
    name: str,
    served: Served,
    source: Source | None,
    errors: Mapping[str, str],
    *,
    keep: bool,
    now: str,
) -> Served:
    """Return a production that no source defines any more, with the reason why it is still served.

    A broken file does not show what it defines: what was known of it stays valid.
    """
    if source is None:
        if keep and not served.retired:
            return served
        return Served(served.file, served.text, retired=True)
    defines = served.defines if source.error else source.production
    if defines not in ("", name):
        return Served(served.file, served.text, retired=True, defines=defines)
    since = served.since if served.error else now
    return Served(served.file, served.text, error=errors.get(served.file, ""), since=since)


def _refuse_twins(
    productions: dict[str, Served], before: Mapping[str, Served], errors: dict[str, str]
) -> None:
    """Keep one of the names that differ in case only: the one served before, or the first."""
    first: dict[str, str] = {}
    for name in sorted(productions, key=lambda name: (name not in before, name)):
        twin = first.setdefault(name.lower(), name)
        if twin != name:
            file = productions.pop(name).file
            errors[file] = (
                f"{file}: production {name!r} differs in upper and lower case only from {twin!r}, "
                f"defined by {productions[twin].file}: the Transformation System takes them for "
                "the same name"
            )


def _claims(sources: Iterable[Source]) -> dict[str, dict[str, str]]:
    """Map each production to the files that define it, with their texts."""
    claims: dict[str, dict[str, str]] = {}
    for source in sources:
        if not source.error:
            claims.setdefault(source.production, {})[source.file] = source.text
    return claims


def _owner(claims: Mapping[str, str], before: Served | None, broken: Collection[str]) -> str:
    """Return the file that serves a production.

    It is the file that served it before, even if broken; otherwise the first by name.
    """
    if before is not None and (before.file in claims or before.file in broken):
        return before.file
    return min(claims)


def file_stem(production: str) -> str:
    """Return the stem of a production's served files.

    It depends on the production alone: Airflow keeps one path per DAG and looks it up in the
    snapshot of old runs too, so renaming a source must not change it.
    """
    return _safe(production, "")


def _safe(name: str, also: str) -> str:
    """Return a file name for any name; different names give different ones.

    A cleaned name is marked by a digest, and so is a name that looks as if it had been.
    """
    cleaned = re.sub(rf"[^A-Za-z0-9_{re.escape(also)}-]", "_", name)[:150]
    if cleaned == name and not name.startswith(".") and not naming.looks_marked(name):
        return name
    return f"{cleaned.lstrip('.')}-{naming.mark(name)}"
