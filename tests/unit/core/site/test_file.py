"""The site's file: closed, strict, and of no use at all when anything in it is wrong."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.site.file import Limits, read_site
from dirac_prodsys.errors import SiteError

HEAD = "version: 1\n"


def test_a_file_that_says_nothing_allows_everything() -> None:
    site = read_site(HEAD, "site.yaml")
    assert site.limits("productions") == Limits()
    assert site.actions is None


def test_a_bundle_that_is_not_named_may_do_what_the_star_says_or_nothing() -> None:
    named = read_site(HEAD + "bundles: {productions: {vos: [sim]}}", "site.yaml")
    assert named.limits("productions").vos == ("sim",)
    with pytest.raises(SiteError, match=r"says nothing of the bundle 'other'"):
        named.limits("other")
    star = read_site(HEAD + "bundles: {'*': {vos: []}, productions: {}}", "site.yaml")
    assert (star.limits("other").vos, star.limits("productions").vos) == ((), None)


def test_a_type_that_is_not_named_sends_tables_as_the_star_says_or_none() -> None:
    named = read_site(HEAD + "job_reports: {Merging: 6}", "site.yaml")
    assert (named.report_every("Merging"), named.report_every("Removal")) == (6, 0)
    star = read_site(HEAD + "job_reports: {'*': 24, Merging: 0}", "site.yaml")
    assert (star.report_every("Merging"), star.report_every("Removal")) == (0, 24)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("job_reports: {Merging: -1}", "should be at least 0"),
        ("job_reports: {Merging: often}", "site.yaml:2:24: should be"),
        ("bundles: {p: {conections: [a]}}", "site.yaml:2:15: unknown key 'conections'"),
        ("bundles: {p: {connections: }}", "site.yaml:2:14: connections says nothing"),
        ("bundles:", "bundles says nothing"),
        ("actions:", "actions says nothing"),
        ("bundles: {p: }", "should be a mapping"),
        ("bundles: {p: {connections: a}}", "should be a list"),
        ("bundles: {p: {outputs: [sim/x]}}", "'sim/x' is no absolute path"),
        ("bundles: {p: {outputs: [/sim/x/]}}", "'/sim/x/' is no absolute path"),
        ("bundles: {p: {removals: [/sim/../ctao]}}", "is no absolute path"),
        ("bundles: {p: {tasks_per_run: 0}}", "should be at least 1"),
        ("bundles: {p: {tasks_per_run: '10'}}", "should be a whole number"),
        ("bundles: {p: {unbounded_removals: 'no'}}", "should be true or false"),
        ("removal_approvals: {sim: {roles: [managers]}}", "there is no role 'managers'"),
        ("removal_approvals: {sim: {above_files: 10}}", "this names no user"),
        ("roles: {m: []}\nremoval_approvals: {sim: {roles: [m]}}", "this names no user"),
        ("actions: [{users: [ada], actions: [clean, format]}]", "there is no action 'format'"),
        ("actions: [{actions: [clean]}]", "this names no user"),
        ("actions: [{users: [ada], actions: []}]", "should not be empty"),
        ("bundles: {a: {}, a: {}}", "site.yaml:2:"),
        ("version: 2", "site.yaml:2:"),
        ("bundles: {p: !!python/name:os.system {}}", "site.yaml:2:"),
    ],
)
def test_a_mistake_makes_the_whole_file_of_no_use_and_is_reported_at_its_place(
    text: str, reason: str
) -> None:
    with pytest.raises(SiteError) as wrong:
        read_site(HEAD + text, "site.yaml")
    assert "nothing is allowed" in wrong.value.reason
    assert reason in wrong.value.reason


@pytest.mark.parametrize("data", [b"", b"- a", b"version: 2", b"\xff", b"x" * 2_000_000])
def test_what_is_no_site_file_is_refused(data: bytes) -> None:
    with pytest.raises(SiteError):
        read_site(data, "site.yaml")


def test_roles_stand_for_their_users_each_once() -> None:
    site = read_site(HEAD + "roles: {a: [x, y], b: [y, z]}", "site.yaml")
    assert site.users_of(["a", "b"], ["x", "w"]) == ("x", "y", "z", "w")
