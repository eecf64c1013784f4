"""Which notices are sent, and what makes one new: causes without numbers, once in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.snapshot import Snapshot
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.policy.notice_kinds import DEFAULT_KINDS, KINDS
from dirac_prodsys.core.policy.notices import (
    Claim,
    Notice,
    NotifyRules,
    cause_of,
    keys_of_alarm,
    matter,
    may_tell,
    of_alarm,
    of_end,
    of_outcome,
    parameter,
)
from dirac_prodsys.core.policy.verdict import Verdict
from dirac_prodsys.core.reports.run import production_report
from dirac_prodsys.errors import DefinitionErrors

TWO = (Path(__file__).parents[2] / "provider" / "two.yaml").read_text()

STALL = "nothing moved for {} s: {} files are Unused: the TransformationAgent"


def wait(alarm: str = "", about: str = "") -> Verdict:
    return Verdict("wait", "on we wait", alarm=alarm, about=about)  # type: ignore[arg-type]


def stalled(seconds: int = 10800, files: int = 3, more: str = "") -> Verdict:
    return wait(STALL.format(seconds, files) + more, "stalled")


def test_the_same_stall_a_minute_later_is_nothing_new() -> None:
    first = matter(stalled(10800, 3), ())
    assert first == {
        "about": "stalled",
        "causes": ["# files are Unused: the TransformationAgent"],
    }
    assert matter(stalled(10860, 4), first["causes"]) == {}


def test_one_more_that_stands_still_is_news_and_the_other_is_not_reported_again() -> None:
    causes = matter(stalled(), ())["causes"]
    both = stalled(more="; 2 tasks wait: no site takes the jobs")
    assert matter(both, causes)["causes"] == ["# tasks wait: no site takes the jobs"]


def test_an_alarm_that_could_not_be_sent_waits_and_what_goes_on_does_not() -> None:
    causes = matter(stalled(), ())["causes"]
    assert matter(stalled(), (), due=False) == {}
    assert matter(wait(), causes, due=False)["about"] == "recovered"


def test_when_it_goes_on_that_is_reported_once() -> None:
    causes = matter(stalled(), ())["causes"]
    assert matter(wait(), causes) == {"about": "recovered", "causes": causes}
    assert matter(wait(), ()) == {}


def test_a_question_after_a_stall_is_no_recovery() -> None:
    causes = matter(stalled(), ())["causes"]
    asked = wait("2 files wait for a person's decision (x)", "needs_person")
    assert matter(asked, causes)["about"] == "needs_person"
    assert matter(asked, [*causes, *matter(asked, causes)["causes"]]) == {}


def test_what_is_for_the_log_alone_is_sent_to_nobody() -> None:
    assert matter(wait("GroupSize is 3 in DIRAC, and 2 here"), ()) == {}


def test_a_stall_is_one_matter_in_all_steps_and_a_question_is_each_steps_own() -> None:
    def keys(kind: str, step: str) -> list[str]:
        notice = of_alarm(kind, ["c"], "text", step)  # type: ignore[arg-type]
        return [notice.key(cause) for cause in notice.causes]

    assert keys("stalled", "a") == keys("stalled", "b")
    assert keys("needs_person", "a") != keys("needs_person", "b")
    for kind in ("stalled", "needs_person"):
        assert keys(kind, "a")[0] in keys_of_alarm("c", "a")


def test_a_pass_tells_what_it_tries_again_and_what_it_gives_up_by_cause() -> None:
    outcome = {"requeued": {"Failed: exit 1": 3, "Failed: exit 2": 1}, "lines": ["retry: 4 files"]}
    again, ended = of_outcome(outcome, {"Failed: Stalled": 2}, "merge")
    assert (again.kind, again.causes) == ("recovered", ("Failed: exit #",))
    assert (ended.kind, ended.causes) == ("given_up", ("Failed: Stalled",))
    assert of_outcome({"requeued": {}, "lines": []}, {}, "merge") == []


@pytest.mark.parametrize(
    ("statuses", "failed", "kind"),
    [
        (("Completed", "Archived"), [], "completed"),
        (("Completed", "Completed"), ["merge.create_dataset"], "failed"),
        (("Completed", "Stopped"), [], "failed"),
        (("Completed",), ["merge.create"], "failed"),
    ],
)
def test_the_end_is_completed_only_if_all_steps_are_and_no_task_failed(
    statuses: tuple[str, ...], failed: list[str], kind: str
) -> None:
    plan = compile(load_production(TWO, "two.yaml"), run="r1")
    names = [step.transformation.name for step in plan.steps]
    seen = {
        name: Snapshot(number, name, "Merging", TransformationStatus(status))
        for number, (name, status) in enumerate(zip(names, statuses, strict=False))
    }
    report = production_report(plan, seen, {})
    states = [(step.row.step, step.row.status) for step in report.steps]
    notice = of_end(states, failed, report.to_text(), report.to_html())
    assert notice.kind == kind
    assert "production two, run r1" in notice.text
    assert "<table>" in notice.html
    if failed:
        assert failed[0] in notice.text
        assert failed[0] in notice.causes[0]


def test_the_subject_names_production_step_and_run() -> None:
    assert Notice("given_up", (), "t", "merge").subject("two", "r1") == (
        "[two: merge] given up (run r1)"
    )
    assert {kind for kind in KINDS if Notice(kind, (), "").subject("p", "r")} == set(KINDS)


def test_a_cause_keeps_its_words_and_loses_its_numbers() -> None:
    assert cause_of("3 files of 17.5 GB \n wait") == "# files of # GB wait"


def test_a_parameter_fits_what_dirac_takes_and_differs_by_key() -> None:
    names = {parameter(f"stalled {n}") for n in range(500)}
    assert len(names) == 500
    assert all(name.isalpha() and len(name) <= 32 for name in names)


def test_a_claim_is_its_own_until_it_was_sent() -> None:
    claim = Claim("k", "dag/run/task")
    assert Claim.from_text(claim.to_text()) == claim
    assert may_tell(None, "any")
    assert may_tell(claim, "dag/run/task")
    assert not may_tell(claim, "dag/run/other")
    assert not may_tell(Claim("k", "dag/run/task", sent=True), "dag/run/task")
    assert Claim.from_text("") is Claim.from_text("{oops") is Claim.from_text("[1]") is None


def test_a_production_refines_what_the_deployment_says() -> None:
    rules = NotifyRules(to=("a@x.org",))
    assert rules.on == DEFAULT_KINDS
    assert rules.refined(None, None) == rules
    assert rules.refined(("failed",), None) == NotifyRules(("failed",), ("a@x.org",))
    assert rules.refined((), ("b@x.org",)) == NotifyRules((), ("b@x.org",))


def test_a_production_says_whom_to_tell_in_short_or_at_length() -> None:
    short = TWO.replace("vo: sim,", "vo: sim, notify: {on: failed, to: shift@x.org},")
    long = TWO.replace("vo: sim,", "vo: sim, notify: {on: [failed], to: [shift@x.org]},")
    notify = load_production(short, "f").notify
    assert notify is not None
    assert notify == load_production(long, "f").notify
    assert (notify.on, notify.to) == (("failed",), ("shift@x.org",))
    assert load_production(TWO, "f").notify is None


@pytest.mark.parametrize(
    "wrong",
    ["on: stuck", "to: shift", 'to: "a@x.org, b@x.org"', 'to: "a@x.org\\nBcc: b@x.org"', "to: 7"],
)
def test_what_is_no_kind_and_no_address_is_reported_with_its_place(wrong: str) -> None:
    with pytest.raises(DefinitionErrors, match=r"f:2:\d+"):
        load_production(TWO.replace("vo: sim,", f"vo: sim, notify: {{{wrong}}},"), "f")
