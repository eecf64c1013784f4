"""What is served to Airflow for the sources at hand: the last good text of each production.

The rules, in the order they are applied to each refresh:

* A good file serves its production. Of two files with one production the one that served it
before goes on; the other gets an error of its own.
* A broken file leaves its production as it was, and gets an error of its own. Airflow would
otherwise mark the DAG stale and freeze its running runs. The page of the DAG tells the error.
* A production whose file is gone, or defines another now, is *retired*: its DAG stays, marked and
without new runs, for as long as Airflow has a run of it, so that its record is found. To take it
up again put the file back. (Deleting a file does not stop what runs; stopping is an act of its
own.)

Invariant: a pure function of (sources, what was served, which productions have runs); a stub
changes only when what it says of its production does.
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

#: an import error is shown for this file alone; nothing of the user's is in the code but a quoted
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

#: characters of an error on the page of a DAG; the whole stands among the import errors
_MOST_SHOWN = 4000


@dataclass(frozen=True)
class Served:
    """A production on the shelf.

    :param file: the source that it came from.
    :param text: its last good text.
    :param retired: True when the source is gone, or defines another production.
    :param defines: of a retired one: what its source defines now; empty: the source is gone.
    :param error: what is wrong with the source, which is not served as it is; empty: nothing.
    :param since: the moment at which it was first seen to be wrong, in words.
    """

    file: str
    text: str
    retired: bool = False
    defines: str = ""
    error: str = ""
    since: str = ""

    @property
    def note(self) -> str:
        """What its DAG tells about its state, in Markdown; empty when all is well."""
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
        """The tag that its DAG has for its state; empty when all is well."""
        return RETIRED if self.retired else BROKEN if self.error else ""


@dataclass(frozen=True)
class Shelf:
    """All that is served.

    :param productions: by name.
    :param errors: by source file.
    """

    productions: Mapping[str, Served]
    errors: Mapping[str, str]

    @property
    def retired(self) -> list[str]:
        """Names of the productions whose source is gone, or defines another."""
        return sorted(name for name, served in self.productions.items() if served.retired)

    def without(self, names: Collection[str]) -> Shelf:
        """The shelf with some productions taken off."""
        kept = {name: s for name, s in self.productions.items() if name not in names}
        return Shelf(kept, self.errors)

    def files(self) -> dict[str, bytes]:
        """The folder that Airflow reads: file names and contents."""
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
        """Which DAGs a broken file leaves as they were: Airflow files its error under a name of
        its own."""
        own = sorted(n for n, each in self.productions.items() if each.error and each.file == file)
        return f"\n  DAG {', '.join(own)} goes on with its last good text" if own else ""


def error_code(message: str) -> str:
    """The text of a file that does nothing but raise the message."""
    return _ERROR.format(message=message)


def arrange(
    sources: Iterable[Source],
    before: Mapping[str, Served],
    *,
    owners: Mapping[str, str] | None = None,
    keep: bool = False,
    now: str = "",
) -> Shelf:
    """What to serve now.

    :param before: what was served until now, by production.
    :param owners: DAG IDs of other bundles → the names of these.
    :param keep: no production is retired, whatever is gone: not all is known yet.
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
    """A production that no source defines any more: with the reason why it is served all the same.

    A file that is broken does not tell what it defines: what is known of it holds.
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
    """Of names that differ in case only, the one that was served, or else the first, goes on."""
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
    """For each production the files that define it, with their texts."""
    claims: dict[str, dict[str, str]] = {}
    for source in sources:
        if not source.error:
            claims.setdefault(source.production, {})[source.file] = source.text
    return claims


def _owner(claims: Mapping[str, str], before: Served | None, broken: Collection[str]) -> str:
    """The file that serves a production: the one that did, even broken; else the first by
    name."""
    if before is not None and (before.file in claims or before.file in broken):
        return before.file
    return min(claims)


def file_stem(production: str) -> str:
    """Stem of a production's served files.

    It depends on the production alone: Airflow keeps one path per DAG and looks it up in the
    snapshot of old runs too, so renaming a source must not change it.
    """
    return _safe(production, "")


def _safe(name: str, also: str) -> str:
    """A file name for any name; different names give different ones.

    What is cleaned is marked by a digest, and so is what looks as if it had been.
    """
    cleaned = re.sub(rf"[^A-Za-z0-9_{re.escape(also)}-]", "_", name)[:150]
    if cleaned == name and not name.startswith(".") and not naming.looks_marked(name):
        return name
    return f"{cleaned.lstrip('.')}-{naming.mark(name)}"
