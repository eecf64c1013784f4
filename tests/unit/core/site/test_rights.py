"""Who may act on what: the table of docs/explanation/security.md, cell by cell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dirac_prodsys.core.actions.kinds import ACTIONS
from dirac_prodsys.core.grid.inventory import FileShare
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.site.file import read_site
from dirac_prodsys.core.site.rights import demand_agreement, demand_right
from dirac_prodsys.errors import SiteError

SITE = read_site(
    """\
version: 1
roles:
  shifters: [sam, tom]
  managers: [ada]
actions:
  - {roles: [shifters], actions: [stop, resume, flush], connections: [grid]}
  - {users: [ben], actions: ["*"], productions: ["ben_*"], connections: [grid], vos: [sim]}
  - {roles: [managers], actions: ["*"], force: true}
removal_approvals:
  sim: {roles: [managers], above_files: 100}
""",
    "site.yaml",
)
SOFT = frozenset({"stop", "resume", "flush"})
ALL = frozenset(ACTIONS)
NONE: frozenset[str] = frozenset()

#: user, connection, production → actions that are allowed; all others are refused
MATRIX = [
    ("sam", "grid", "bands", SOFT),
    ("sam", "grid", "ben_1", SOFT),
    ("sam", "other", "bands", NONE),
    ("tom", "grid", "bands", SOFT),
    ("ben", "grid", "ben_1", ALL),
    ("ben", "grid", "bands", NONE),
    ("ben", "other", "ben_1", NONE),
    ("ada", "grid", "bands", ALL),
    ("ada", "other", "ben_1", ALL),
    ("eve", "grid", "bands", NONE),
    ("SAM", "grid", "bands", NONE),
    ("shifters", "grid", "bands", NONE),
    ("", "grid", "bands", NONE),
    (None, "grid", "bands", NONE),
]


def allowed(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except SiteError:
        return False
    return True


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(("user", "connection", "production", "may"), MATRIX)
def test_the_matrix_of_users_actions_connections_and_productions(
    user: str | None, connection: str, production: str, may: frozenset[str], action: str
) -> None:
    names = [f"{production}__r1__step"]
    got = allowed(lambda: demand_right(SITE, user, action, connection, "sim", names))
    assert got == (action in may)
    # force is a right of its own
    forced = allowed(lambda: demand_right(SITE, user, action, connection, "sim", names, force=True))
    assert forced == (user == "ada")


def test_a_rule_for_a_vo_is_for_connections_of_that_vo() -> None:
    names = ["ben_1__r1__step"]
    demand_right(SITE, "ben", "stop", "grid", "sim", names)
    for vo in ("ctao", ""):
        with pytest.raises(SiteError):
            demand_right(SITE, "ben", "stop", "grid", vo, names)


def test_one_transformation_of_others_refuses_all() -> None:
    names = ["ben_1__r1__step", "bands__r1__step"]
    with pytest.raises(SiteError, match="ben may not clean bands__r1__step"):
        demand_right(SITE, "ben", "clean", "grid", "sim", names)


def test_a_refusal_says_what_the_user_may() -> None:
    with pytest.raises(SiteError) as refused:
        demand_right(SITE, "sam", "clean", "grid", "sim")
    assert refused.value.reason == "sam may not clean through connection 'grid' (VO sim)"
    assert refused.value.hint == "sam may stop, resume, flush productions * through grid"


@pytest.mark.parametrize("user", ["eve", None])
def test_without_rules_whoever_may_trigger_may_act(user: str | None) -> None:
    for site in (None, read_site("version: 1\nroles: {a: [b]}", "site.yaml")):
        demand_right(site, user, "delete", "grid", "sim", ["bands__r1__step"], force=True)


def test_an_empty_list_of_rules_lets_nobody_act() -> None:
    site = read_site("version: 1\nactions: []", "site.yaml")
    assert not allowed(lambda: demand_right(site, "ada", "stop", "grid", "sim"))


def seen(status: TransformationStatus, kind: str) -> Snapshot:
    return Snapshot(7, "bands__r1__rm", kind, status)


@pytest.mark.parametrize(
    ("action", "status", "kind", "files", "free"),
    [
        ("clean", "Active", "MCSimulation", 100, True),
        ("clean", "Active", "MCSimulation", 101, False),
        ("start", "New", "MCSimulation", 0, True),
        ("start", "New", "Removal", 0, False),
        ("start", "New", "Harmless", 0, False),
        ("resume", "Stopped", "Removal", 0, True),
        ("stop", "Active", "Removal", 0, True),
        ("delete", "Cleaned", "Removal", 0, True),
    ],
)
def test_what_removes_much_needs_who_may_agree_to_it(
    action: str, status: str, kind: str, files: int, free: bool
) -> None:
    one = seen(TransformationStatus(status), kind)

    def ask(user: str | None, vo: str = "sim") -> bool:
        share = FileShare(files, 0)
        return allowed(lambda: demand_agreement(SITE, user, action, vo, one, lambda: share))

    assert ask("ada")
    assert ask("ben") == free
    assert ask(None) == free
    assert ask("ben", "ctao")
