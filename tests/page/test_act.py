"""Acting: a preview first, names typed for what cannot be undone, followed to the outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.page.conftest import PAGES, open_view
from tests.page.shell import Request, Shell

PREVIEW, ACT = "/api/dags/bands/actions/preview", "/api/dags/bands/actions"


def test_a_clean_is_previewed_confirmed_and_followed(
    new_page: Callable[..., Page], served: Shell, examples: dict[str, Any]
) -> None:
    started, looked = examples["action_started"], {"preview": 0, "act": 0}
    acting = {**started, "run_id": "clean-1", "follow": "/api/dags/bands/actions/clean-1"}

    def follow_preview(_: Request) -> tuple[int, Any]:
        looked["preview"] += 1
        if looked["preview"] == 1:
            return 200, {
                **examples["action_preview"],
                "over": False,
                "state": "running",
                "preview": None,
            }
        return 200, examples["action_preview"]

    def follow_act(_: Request) -> tuple[int, Any]:
        looked["act"] += 1
        if looked["act"] == 1:
            begun = {"over": False, "state": "queued", "preview": None, "outcome": None}
            return 200, {**examples["action_outcome"], **begun}
        if looked["act"] == 2:
            return 503, {"detail": "the API server begins anew", "hint": ""}
        return 200, examples["action_outcome"]

    served.answers[PREVIEW] = lambda _: (202, started)
    served.answers[started["follow"]] = follow_preview
    served.answers[ACT] = lambda _: (202, acting)
    served.answers[acting["follow"]] = follow_act
    page = new_page()
    open_view(page, PAGES["step"])
    page.get_by_role("button", name="Clean…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It would touch 2 transformations (18 files, 1.2 GB)")
    expect(dialog).to_contain_text("its waits fail with the way out")
    button = dialog.get_by_role("button", name="Clean 2 transformations")
    expect(button).to_be_disabled()
    dialog.get_by_label("Why? It is recorded").fill("wrong calibration")
    expect(button).to_be_disabled()
    dialog.get_by_label("to confirm").fill("band")
    expect(button).to_be_disabled()
    dialog.get_by_label("to confirm").fill("bands")
    assert [one.path for one in served.asked if one.method == "POST"] == [PREVIEW]
    button.click()
    expect(dialog).to_contain_text("✓ clean, production bands, run r1, all steps, by alice")
    (sent,) = (one.body for one in served.asked if one.path == ACT)
    assert sent == {
        "action": "clean",
        "run": "r1",
        "steps": ["merge"],
        "reason": "wrong calibration",
        "digest": "0123456789abcdef",
        "confirm": "bands",
    }
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(dialog).to_have_count(0)


def test_an_action_with_a_number_asks_for_it_first(
    new_page: Callable[..., Page], served: Shell, examples: dict[str, Any]
) -> None:
    served.answers[PREVIEW] = lambda _: (
        409,
        {"detail": "merge takes files", "hint": "extend slices"},
    )
    page = new_page()
    open_view(page, PAGES["step"])
    page.get_by_role("button", name="Extend…").click()
    dialog = page.get_by_role("dialog")
    button = dialog.get_by_role("button", name="Preview")
    expect(button).to_be_disabled()
    dialog.get_by_label("Number of tasks to add.").fill("50")
    button.click()
    expect(dialog.get_by_role("alert")).to_contain_text("merge takes files")
    expect(dialog.get_by_role("alert")).to_contain_text("extend slices")
    (sent,) = (one.body for one in served.asked if one.method == "POST")
    assert sent == {"action": "extend", "run": "r1", "steps": ["merge"], "tasks": 50}
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_who_may_not_act_is_told_why(
    new_page: Callable[..., Page], answers: dict[str, Any]
) -> None:
    rights = {
        "act": False,
        "comment": False,
        "why_not": "You may not trigger production_operations.",
    }
    answers["/api/dags/bands/runs/r1/steps/merge"]["rights"] = rights
    page = new_page()
    open_view(page, PAGES["step"])
    step = page.get_by_role("region", name="Step merge")
    expect(step).to_contain_text("You may not trigger production_operations.")
    expect(step.get_by_role("button", name="Clean…")).to_have_count(0)
    expect(step.get_by_role("button", name="Write a comment")).to_have_count(0)


def test_a_comment_is_written(
    new_page: Callable[..., Page], served: Shell, examples: dict[str, Any], answers: dict[str, Any]
) -> None:
    def written(request: Request) -> tuple[int, Any]:
        comment = {**examples["comment"]["comment"], "text": request.body["text"]}
        answers["/api/dags/bands/runs/r1"]["comments"] = [comment]
        return 201, {"comment": comment}

    served.answers["/api/dags/bands/comments"] = written
    page = new_page()
    open_view(page, f"{PAGES['run']}?part=comment")
    page.get_by_role("button", name="Change the comment").click()
    page.get_by_label("Comment on this run").fill("<b>not</b> for the paper")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("<b>not</b> for the paper").wait_for()
    (sent,) = (one.body for one in served.asked if one.method == "POST")
    assert sent == {"about": "", "run": "r1", "text": "<b>not</b> for the paper"}
