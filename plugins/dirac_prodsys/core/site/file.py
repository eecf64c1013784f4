"""Defines the site's file: its keys, and how it is read.

Invariant: closed and strict: a misspelt key is an error, and never a limit that is silently
missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.models import Model, explain, invalid
from dirac_prodsys.core.problems import Path, Problem, nearest
from dirac_prodsys.core.production.policy import Hours, HoursOrNever
from dirac_prodsys.core.text import reader
from dirac_prodsys.errors import DefinitionErrors, SiteError

#: stands for every bundle that is not named, and for every action
ANY = "*"


def _prefix(path: str) -> str:
    parts = path.split("/")
    if not path.startswith("/") or {"", ".", ".."} & set(parts[1:]):
        raise invalid(
            f"{path!r} is no absolute path", "write it as /vo/folder, without / at its end"
        )
    return path


#: a directory of the catalogue, which stands for everything below it
Prefix = Annotated[StrictStr, AfterValidator(_prefix)]


class SiteModel(Model):
    """Base of all parts: a key is written with a value, or not at all."""

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, data: Any) -> Any:
        items = data.items() if isinstance(data, dict) else ()
        empty = [key for key, value in items if value is None]
        if empty:
            raise invalid(f"{empty[0]} says nothing", "write a value, [] for none, or drop the key")
        return data


class Limits(SiteModel):
    """What the files of one Dag bundle may do; a key that is not written limits nothing.

    :param connections: Airflow connections that productions may name.
    :param vos: virtual organisations.
    :param types: transformation types, in DIRAC's words: a Moving is a Replication and a Removal.
    :param operations: operations of requests.
    :param outputs: directories below which files may be made.
    :param removals: directories below which files may be removed, by requests and by
        ``on_cancel: clean``; an empty list forbids both.
    :param datasets: directories in which datasets may be made.
    :param reads: directories of the files that are read by name: those of gates, of loops, of
        sandboxes, and listed input.
    :param unbounded_removals: whether a removal may select files by no condition that bounds them.
    :param tasks_per_run: the most tasks that one run may ask for.
    :param tasks_per_production: the most tasks that all runs of a production may have on the grid.
    :param schedules: what may begin runs besides people: ``assets``, ``files``, ``cron``, ``once``;
        an empty list: nothing.
    :param cron_minutes: the least minutes between two times of ``cron``.
    :param look_minutes: the least minutes between two looks at the catalogue for ``files``.
    :param active_runs: the most runs of a production that its ``schedule`` may let run at a time.
    """

    connections: tuple[StrictStr, ...] | None = None
    vos: tuple[StrictStr, ...] | None = None
    types: tuple[StrictStr, ...] | None = None
    operations: tuple[StrictStr, ...] | None = None
    outputs: tuple[Prefix, ...] | None = None
    removals: tuple[Prefix, ...] | None = None
    datasets: tuple[Prefix, ...] | None = None
    reads: tuple[Prefix, ...] | None = None
    unbounded_removals: StrictBool = True
    tasks_per_run: StrictInt | None = Field(default=None, ge=1)
    tasks_per_production: StrictInt | None = Field(default=None, ge=1)
    schedules: tuple[Literal["assets", "files", "cron", "once"], ...] | None = None
    cron_minutes: StrictInt | None = Field(default=None, ge=1)
    look_minutes: StrictInt | StrictFloat | None = Field(default=None, gt=0)
    active_runs: StrictInt | None = Field(default=None, ge=1)


class RemovalApproval(SiteModel):
    """Who must agree before a step of a virtual organisation removes files.

    With neither ``above_files`` nor ``above_terabytes``, every removal is asked about.

    :param roles: roles of this file whose users may answer.
    :param users: further users who may.
    :param above_files: removals of no more files need no answer.
    :param above_terabytes: removals of no more terabytes (powers of 1000) need no answer.
    :param within: hours to answer in; then the removal is refused.
    """

    roles: tuple[StrictStr, ...] = ()
    users: tuple[StrictStr, ...] = ()
    above_files: StrictInt | None = Field(default=None, ge=0)
    above_terabytes: StrictInt | StrictFloat | None = Field(default=None, ge=0)
    within: Hours | None = None


def _action(name: str) -> str:
    if name != ANY and name not in ACTIONS:
        raise invalid(f"there is no action {name!r}", nearest(name, [*ACTIONS, ANY]))
    return name


class Rule(SiteModel):
    """People, and what they may do to productions that run; a list that is not written is for all.

    :param roles: roles of this file.
    :param users: users, by the names that Airflow shows.
    :param actions: actions of ``production_operations``; ``*`` for all.
    :param productions: names, or patterns with ``*`` and ``?``.
    :param vos: virtual organisations of the connection.
    :param connections: Airflow connections through which they act.
    :param force: whether transformations that nobody's plan made may be meant.
    """

    roles: tuple[StrictStr, ...] = ()
    users: tuple[StrictStr, ...] = ()
    actions: tuple[Annotated[StrictStr, AfterValidator(_action)], ...] = Field(min_length=1)
    productions: tuple[StrictStr, ...] = (ANY,)
    vos: tuple[StrictStr, ...] | None = None
    connections: tuple[StrictStr, ...] | None = None
    force: StrictBool = False


class Site(SiteModel):
    """The whole file.

    :param version: 1.
    :param roles: role → the users who have it, by the names that Airflow shows.
    :param bundles: name of a Dag bundle → what its files may do; ``*`` for bundles not named.
    :param removal_approvals: virtual organisation → who must agree to removals.
    :param job_reports: transformation type → hours between two tables of a step's jobs that are
        sent to people, at least; ``*`` for types not named; 0: none. A file's ``policy`` may say
        otherwise.
    :param actions: who may act; not written: whoever may trigger ``production_operations``.
    """

    version: Literal[1]
    roles: dict[StrictStr, tuple[StrictStr, ...]] = Field(default={})
    bundles: dict[StrictStr, Limits] = Field(default={})
    removal_approvals: dict[StrictStr, RemovalApproval] = Field(default={})
    job_reports: dict[StrictStr, HoursOrNever] = Field(default={})
    actions: tuple[Rule, ...] | None = None

    def limits(self, bundle: str) -> Limits:
        """Return what the files of a bundle may do.

        :raises SiteError: the bundle is not in the file: then nothing is allowed.
        """
        found = self.bundles.get(bundle, self.bundles.get(ANY))
        if found is None and self.bundles:
            raise SiteError(
                f"the site's file says nothing of the bundle {bundle!r}",
                f"it knows {', '.join(sorted(self.bundles))}: let whoever runs Airflow add the "
                f"bundle, or {ANY!r} for all others",
            )
        return found or Limits()

    def report_every(self, kind: str) -> float:
        """Return the hours between two tables of the jobs of a step of this type; 0: none."""
        return self.job_reports.get(kind, self.job_reports.get(ANY, 0))

    def users_of(self, roles: Collection[str], users: Collection[str]) -> tuple[str, ...]:
        """Return the users, and those who have one of the roles; each once."""
        named = [user for role in roles for user in self.roles.get(role, ())]
        return tuple(dict.fromkeys([*named, *users]))


@dataclass(frozen=True)
class Allowed:
    """The site's limits for the files of one bundle; small enough to travel between processes."""

    site: Site
    limits: Limits


def read_site(text: str | bytes, file: str) -> Site:
    """Read the site's file.

    :param file: its name, for messages.
    :raises SiteError: all that is wrong with it, each at its place.
    """
    try:
        document = reader.parse(text, file)
    except DefinitionErrors as errors:
        raise _unusable(str(errors)) from None
    try:
        site = Site.model_validate(document.data)
    except ValidationError as error:
        problems = explain(error, Site, document.data)
    else:
        problems = list(_unknown_roles(site))
        if not problems:
            return site
    raise _unusable("\n".join(str(document.error(problem)) for problem in problems))


def _unusable(why: str) -> SiteError:
    return SiteError(
        f"the site's file cannot be used, and nothing is allowed:\n{why}",
        "let whoever runs Airflow correct it",
    )


def _unknown_roles(site: Site) -> Iterator[Problem]:
    """Yield unknown roles: they would leave approvals that nobody can give, or give them to all."""
    named: list[tuple[Path, RemovalApproval | Rule]] = [
        (("removal_approvals", vo), one) for vo, one in site.removal_approvals.items()
    ]
    named += [(("actions", index), rule) for index, rule in enumerate(site.actions or ())]
    for path, one in named:
        for index, role in enumerate(one.roles):
            if role not in site.roles:
                hint = nearest(role, site.roles)
                reason = f"there is no role {role!r}"
                yield Problem((*path, "roles", index), reason, hint, code="unknown-word")
        if not site.users_of(one.roles, one.users) and all(r in site.roles for r in one.roles):
            reason = "this names no user"
            yield Problem(
                path, reason, "name users, or roles that somebody has", code="wrong-value"
            )
