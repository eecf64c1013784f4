"""Decides who may act on which productions: the rules of the site's file, for Airflow's user.

A rule allows; nothing forbids. What no rule allows is refused, also if Airflow names no user: a run
that was not triggered by a person has none.

Invariant: pure. The same question gets the same answer in a preview and before an act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from dirac_prodsys.core import naming
from dirac_prodsys.core.grid.inventory import FileShare
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.grid.transformation_types import TRANSFORMATION_TYPES
from dirac_prodsys.core.site.file import ANY, RemovalApproval, Rule, Site
from dirac_prodsys.core.site.removals import Share, must_ask
from dirac_prodsys.errors import SiteError


def demand_right(
    site: Site | None,
    user: str | None,
    action: str,
    connection: str,
    vo: str | None,
    names: Iterable[str] = (),
    *,
    force: bool = False,
) -> None:
    """Demand that a user may act.

    :param user: the user who triggered the run, from Airflow; None: unknown.
    :param vo: VO of the connection; None: it is not asked yet.
    :param names: names of the transformations to act on, ``production__run__step``.
    :param force: whether transformations that no plan made are included.
    :raises SiteError: the user may not.
    """
    if site is None or site.actions is None:
        return
    if not user:
        raise SiteError(
            f"nobody may {action}: Airflow does not say who asks",
            "trigger production_operations as a user: in the UI, by REST, or by dirac-prodsys",
        )
    rules = [rule for rule in site.actions if user in site.users_of(rule.roles, rule.users)]
    fitting = [rule for rule in rules if _fits(rule, action, connection, vo, force=force)]
    if not fitting:
        forced = " with force" if force else ""
        whose = "" if vo is None else f" (VO {vo or '?'})"
        raise SiteError(
            f"{user} may not {action}{forced} through connection {connection!r}{whose}",
            _rights_of(rules, user),
        )
    for name in names:
        production = name.split(naming.SEPARATOR)[0]
        if not any(_covers(rule, production, name, force=force) for rule in fitting):
            raise SiteError(f"{user} may not {action} {name}", _rights_of(rules, user))


def demand_agreement(
    site: Site | None,
    user: str | None,
    action: str,
    vo: str,
    seen: Snapshot,
    share: Callable[[], FileShare],
) -> None:
    """Demand that a user who cleans much, or starts what may remove much, could have agreed to it.

    A step that removes files asks before it starts; an action bypasses that question.

    :param seen: the transformation as it is now.
    :param share: asks for the files that cleaning removes.
    :raises SiteError: the user could not.
    """
    rule = None if site is None else site.removal_approvals.get(vo)
    if site is None or rule is None:
        return
    users = site.users_of(rule.roles, rule.users)
    if user in users or not _removes(action, seen, rule, share):
        return
    raise SiteError(
        f"{user or 'nobody'} may not {action} {seen.name}: the site lets only {', '.join(users)} "
        f"agree to such removals of VO {vo}",
        "let one of them do it",
    )


def _removes(
    action: str, seen: Snapshot, rule: RemovalApproval, share: Callable[[], FileShare]
) -> bool:
    if action == "clean":
        found = share()
        return must_ask(rule, Share(found.files, found.bytes))
    if action != "start" or seen.status != TransformationStatus.NEW:
        return False
    kind = TRANSFORMATION_TYPES.get(seen.type)
    return kind is None or kind.body != "job"  # what its requests do is not known here


def _fits(rule: Rule, action: str, connection: str, vo: str | None, *, force: bool) -> bool:
    return (
        (ANY in rule.actions or action in rule.actions)
        and (rule.connections is None or connection in rule.connections)
        and (rule.vos is None or vo is None or vo in rule.vos)
        and (rule.force or not force)
    )


def _covers(rule: Rule, production: str, name: str, *, force: bool) -> bool:
    # a transformation that no plan made is matched by its whole name
    words = (production, name) if force else (production,)
    return any(fnmatchcase(word, pattern) for word in words for pattern in rule.productions)


def _rights_of(rules: Iterable[Rule], user: str) -> str:
    lines = [_in_words(rule) for rule in rules][:10]
    return f"{user} may {'; '.join(lines)}" if lines else f"no rule of the site's file names {user}"


def _in_words(rule: Rule) -> str:
    parts = [", ".join(rule.actions), f"productions {', '.join(rule.productions)}"]
    parts += [f"VO {', '.join(rule.vos)}"] if rule.vos is not None else []
    parts += [f"through {', '.join(rule.connections)}"] if rule.connections is not None else []
    return " ".join(parts)
