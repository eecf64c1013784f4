"""While nobody answers, the page stays, says how old it is, and recovers by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.page.conftest import HOME, PAGES, open_view
from tests.page.shell import Shell


def test_the_page_stays_and_recovers(
    new_page: Callable[..., Page], served: Shell, answers: dict[str, Any]
) -> None:
    page = new_page()
    for answer in answers.values():
        answer["sources"]["refresh"] = 2
    open_view(page, PAGES["step"])
    served.down = True
    trouble = page.get_by_text("API server does not answer").first
    trouble.wait_for()
    expect(page.get_by_text("old and is kept").first).to_be_visible()
    expect(page.get_by_role("region", name="Why it is so")).to_contain_text("2 files are MaxReset")
    served.down = False
    expect(page.get_by_text("API server does not answer")).to_have_count(0)


def test_a_page_that_was_never_answered_recovers(
    new_page: Callable[..., Page], served: Shell
) -> None:
    served.down = True
    page = new_page()
    page.goto(HOME)
    page.get_by_text("API server does not answer").wait_for()
    served.down = False
    page.get_by_role("button", name="Try now").click()
    page.get_by_role("link", name="bands", exact=True).wait_for()


def test_a_grid_that_is_down_is_said_beside_the_data(
    new_page: Callable[..., Page], answers: dict[str, Any]
) -> None:
    answers["/api/productions"]["sources"]["grid"].update(
        age=900.0, words="15 min old", stale=True, why="DIRAC does not answer: connection refused"
    )
    page = new_page()
    open_view(page, HOME)
    ages = page.locator(".dp-ages")
    expect(ages).to_contain_text("DIRAC 15 min old: DIRAC does not answer: connection refused")
    expect(page.get_by_role("link", name="bands", exact=True)).to_be_visible()
    above = page.get_by_text("What comes from DIRAC is 15 min old")
    expect(above).to_be_visible()
    boxes = above.bounding_box(), page.get_by_role("link", name="bands", exact=True).bounding_box()
    first, second = (box["y"] for box in boxes if box is not None)
    assert first < second


def test_a_login_that_has_ended_says_what_to_do(
    new_page: Callable[..., Page], served: Shell
) -> None:
    served.answers["/api/productions"] = lambda _: (401, {"detail": "Not authenticated"})
    page = new_page()
    page.goto(HOME)
    page.get_by_text("Your login has ended").wait_for()
    expect(page.get_by_role("button", name="Load the page again")).to_be_visible()


def test_a_page_whose_script_does_not_come_is_loaded_later(new_page: Callable[..., Page]) -> None:
    page = new_page()
    open_view(page, HOME)
    page.route("**/static/errors.js*", lambda route: route.abort())
    page.get_by_role("link", name="Errors in files").click()
    page.get_by_text("Loading…").wait_for()
    page.unroute("**/static/errors.js*")
    page.get_by_text("unknown key 'taks'").first.wait_for()
