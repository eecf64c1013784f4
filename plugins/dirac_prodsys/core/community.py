"""Defines what a community offers: everything that only one kind of grid has.

A community is one value. It names what it offers as ``module:attribute``, the notation of entry
points, so that a production that needs nothing of it loads nothing of it. Those of :data:`BUILT_IN`
come with this package, others by an entry point of the group :data:`GROUP`, with the community's
name. See ``docs/how-to/add-a-community.md``.

Invariant: entry points are read once, and only when something is looked for that neither we nor a
built-in community have: reading them takes longer than many a production. A failing one is reported
with the name of its package where it is needed, and nowhere else.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from dataclasses import dataclass
from typing import Any, Literal

from dirac_prodsys.errors import DefinitionError

#: communities that come with this package
BUILT_IN = (
    "dirac_prodsys.communities.ctao:COMMUNITY",
    "dirac_prodsys.communities.cwl:COMMUNITY",
)
#: group of entry points of other communities
GROUP = "dirac_prodsys.communities"


@dataclass(frozen=True)
class Community:
    """What a community offers; an empty text means that it does not offer this.

    :param name: name of the community, of its dialect and of its bodies; its job types have it
        before the colon, or are called like it.
    :param title: its name in sentences; empty: its name.
    :param form_keys: top-level keys of a file that may be of its form.
    :param file_keys: ``()``: keys that its form adds to a file of the native form, each with its
        JSON Schema, for editors; a file with one of them needs no steps.
    :param endings: of names of files of its form besides those of YAML; built-in ones only.
    :param written: ``(data)``: a production of the native form in its form, and what it cannot say.
    :param dialect: module that reads its form (``core/dialects``).
    :param plan_steps: ``(production, order, run, datasets, problems)``: the plans of the steps of
        its form; empty: they are planned as those of the native form.
    :param native_form: ``(production)``: the data of a file of the native form with the same
        meaning.
    :param tasks_hint: where its form sets how many tasks a step makes.
    :param catalogue_words: ``(word, value)``: a condition of its form as the catalogue has it.
    :param catalogue_fields: the metadata fields of its directories, and those of its files, each
        with the type of its column; for catalogues made for tests.
    :param task_plugins: its task-making plugins, by name, ``(files)``: the groups of LFNs that
        become tasks; for grids made for tests.
    :param run_field: metadata field of files with the run number that made them.
    :param dataset_names: its conventions for names of datasets, by name
        (``core/steps/dataset_names.Conventions``).
    :param smaller: ``(data, steps, tasks)``: limits the tasks of those steps in data of its form.
    :param template: ``package:file``, a production to begin with.
    :param job_types: its job types (``core/job_types``).
    :param job_base: the model of the keys that all of them have.
    :param job_words: the text of the reference above these keys.
    :param derive: ``(production, written, order, datasets, problems)``: the steps whose job types
        derive, planned (``core/plan/values.Derived``).
    :param origin: ``(step, job, field, made, taken)``: where a condition of a derived output comes
        from (``core/plan/origins.Origin``); None: from the step's input.
    :param body: ``(body)``: the stored form of a job body.
    :param wms_type: ``(body)``: the JobType of its jobs.
    :param plan_rows: ``(body)``: what its jobs do, as labels and words, or pairs of them.
    :param traces: module that knows what its jobs have left (``core/recovery/traces.Traces``).
    :param stand_in: ``(directory)``: the files of a rehearsal there (``StandIn``).
    :param grid_checks: what ``doctor`` checks of a grid for it (``core/doctor/check.Check``).
    :param events_per_file: ``(body)``: events that a job simulates for one file; None: it simulates
        none, or nobody knows.
    :param summary_columns: the columns of its summary (``core/reports/summary/columns.Column``).
    :param rules: code, severity and meaning of findings that only its rules have.
    :param runs_mix: code of the finding that no metadata of a derived output name the run.
    """

    name: str
    title: str = ""
    form_keys: tuple[str, ...] = ()
    file_keys: str = ""
    endings: tuple[str, ...] = ()
    written: str = ""
    dialect: str = ""
    plan_steps: str = ""
    native_form: str = ""
    tasks_hint: str = ""
    catalogue_words: str = ""
    catalogue_fields: str = ""
    task_plugins: str = ""
    run_field: str = ""
    dataset_names: str = ""
    smaller: str = ""
    template: str = ""
    job_types: str = ""
    job_base: str = ""
    job_words: str = ""
    derive: str = ""
    origin: str = ""
    body: str = ""
    wms_type: str = ""
    plan_rows: str = ""
    traces: str = ""
    stand_in: str = ""
    grid_checks: str = ""
    events_per_file: str = ""
    summary_columns: str = ""
    rules: tuple[tuple[str, Literal["error", "warning", "note"], str], ...] = ()
    runs_mix: str = "output-without-run"

    @property
    def words(self) -> str:
        """Return its name in sentences."""
        return self.title or self.name

    def offered(self, reference: str) -> Any:
        """Load what one of its texts names.

        :raises DefinitionError: it is empty, or cannot be loaded.
        """
        if not reference:
            reason = f"community {self.name} lacks a part that is needed here"
            raise DefinitionError(reason, "see docs/how-to/add-a-community.md")
        try:
            return _named(reference)
        except Exception as error:
            reason = f"community {self.name} offers {reference}, which fails: {_words(error)}"
            raise DefinitionError(reason, "report it to the maintainers of its package") from error


def built_in() -> tuple[Community, ...]:
    """Return the communities that come with this package."""
    return tuple(_named(reference) for reference in BUILT_IN)


def installed() -> tuple[Community, ...]:
    """Return the communities of other packages, as far as they can be loaded."""
    found = (_offer(name)[0] for name in sorted(_entry_points()))
    return tuple(community for community in found if community is not None)


def communities() -> tuple[Community, ...]:
    """Return all communities."""
    return (*built_in(), *installed())


def find(name: str) -> Community | None:
    """Return the community of that name; None: there is none, or it fails."""
    for community in built_in():
        if community.name == name:
            return community
    return _offer(name)[0]


def community_of(name: str) -> Community:
    """Return the community of that name.

    :raises DefinitionError: there is none, or it fails.
    """
    found = find(name)
    if found is None:
        reason = failure(name) or f"there is no community {name!r} here"
        raise DefinitionError(reason, "install the package that offers it, and mend it if it fails")
    return found


def failure(name: str) -> str:
    """Say why a community of that name that a package offers fails; empty: none is offered."""
    return _offer(name)[1]


@functools.cache
def _named(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


@functools.cache
def _entry_points() -> dict[str, tuple[importlib.metadata.EntryPoint, ...]]:
    found: dict[str, tuple[importlib.metadata.EntryPoint, ...]] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        found[point.name] = (*found.get(point.name, ()), point)
    return found


@functools.lru_cache(maxsize=64)  # names are users' own: any number of them may be wrong
def _offer(name: str) -> tuple[Community | None, str]:
    """Return the community that an entry point of that name offers, or why it is none."""
    points = _entry_points().get(name, ())
    if not points:
        return None, ""
    packages = " and ".join(point.dist.name if point.dist else point.value for point in points)
    offer = f"package {packages} offers the community {name!r}"
    if len(points) > 1:
        return None, f"{offer} twice: one of them can be installed"
    if any(community.name == name for community in built_in()):
        return None, f"{offer}, which is built in"
    try:
        found = points[0].load()
    except Exception as error:
        return None, f"{offer}, which fails: {_words(error)}"
    if not isinstance(found, Community) or found.name != name:
        return None, f"{offer}, and {points[0].value} is no community of that name"
    return found, ""


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
