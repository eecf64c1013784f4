"""The list: what needs a person, filters in the address, many rows, and no question when hidden."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.page.conftest import HOME, asked, open_view
from tests.page.shell import Request, Shell
from tests.patience import until

LIST = "/api/productions"


def test_a_row_says_what_a_shifter_asks(new_page: Callable[..., Page]) -> None:
    page = new_page()
    open_view(page, HOME)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="bands", exact=True))
    for words in (
        "needs a person",
        "2 files are MaxReset",
        "since 1 Mar",
        "run r1",
        "sim · prod6 · by alice",
        "1 of 3 steps done",
        "14,000 of 14,000 events",
        "2 jobs",
        "/sim/datasets/bands_r1",
        "4 files, 1.2 GB, frozen",
        "not known: too little is done",
        "counts 1",
    ):
        expect(row).to_contain_text(words)
    bar = row.get_by_role(
        "img", name="merge, needs a person: 9 of 14 files processed, 3 running, 2 given up"
    )
    expect(bar).to_be_visible()
    expect(page.get_by_text("1 production needs a person")).to_be_visible()


def test_what_is_chosen_stands_in_the_address(new_page: Callable[..., Page], served: Shell) -> None:
    page = new_page()
    open_view(page, f"{HOME}?vo=sim&over=true")
    assert dict(served.asked[0].query) == {"vo": ["sim"], "over": ["true"]}
    page.get_by_label("State", exact=True).select_option("asks")
    page.get_by_label("Sort by").select_option("eta")
    page.get_by_label("Text").fill("band")
    page.wait_for_url("**text=band**")
    until_asked(
        page,
        served,
        {"vo": ["sim"], "over": ["true"], "state": ["asks"], "sort": ["eta"], "text": ["band"]},
    )
    page.reload()
    page.locator(".dp-ages").wait_for()
    expect(page.get_by_label("Text")).to_have_value("band")
    expect(page.get_by_label("State", exact=True)).to_have_value("asks")
    page.go_back()
    expect(page.get_by_label("Sort by")).to_have_value("attention")


def until_asked(page: Page, served: Shell, query: dict[str, list[str]]) -> None:
    until("the page asks so", 20, lambda: any(dict(one.query) == query for one in served.asked))


def test_a_thousand_rows_are_pages(
    new_page: Callable[..., Page], served: Shell, answers: dict[str, Any]
) -> None:
    all_rows = many(answers[LIST]["rows"][0], 1000)

    def answer(request: Request) -> tuple[int, Any]:
        page = int(request.query.get("page", ["1"])[0])
        rows = all_rows[50 * (page - 1) : 50 * page]
        more = {"rows": rows, "total": 1000, "page": page, "pages": 20, "per_page": 50}
        return 200, {**answers[LIST], **more}

    served.answers[LIST] = answer
    page = new_page()
    open_view(page, HOME)
    expect(page.locator("tbody").get_by_role("row")).to_have_count(50)
    page.get_by_role("button", name="Next →").click()
    page.get_by_role("link", name="p50", exact=True).wait_for()
    expect(page.get_by_text("51 to 100 of 1,000")).to_be_visible()
    assert "page=2" in page.url


def many(row: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Rows like one, of ten steps each, with names of their own."""
    made = []
    for index in range(number):
        one = copy.deepcopy(row)
        one.update(key=f"k{index}", production=f"p{index}", dag_id=f"p{index}")
        one["steps"] = [{**row["steps"][number % 3], "step": f"s{number}"} for number in range(10)]
        made.append(one)
    return made


def test_a_page_that_nobody_sees_asks_nothing(new_page: Callable[..., Page], served: Shell) -> None:
    page = new_page()
    page.clock.install()
    open_view(page, HOME)
    first = asked(served, LIST)
    page.clock.run_for(40_000)
    until("the page asks again", 10, lambda: asked(served, LIST) > first)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {get: () => globalThis.away});"
        "globalThis.away = true; document.dispatchEvent(new Event('visibilitychange'))"
    )
    seen = asked(served, LIST)
    page.clock.run_for(600_000)
    assert asked(served, LIST) == seen
    page.evaluate("globalThis.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(1_000)
    until("the page asks when it is seen again", 10, lambda: asked(served, LIST) > seen)


def test_an_empty_list_says_what_to_do(
    new_page: Callable[..., Page], served: Shell, answers: dict[str, Any]
) -> None:
    served.answers[LIST] = {
        **answers[LIST],
        "rows": [],
        "total": 0,
        "hidden_over": 0,
        "need_person": 0,
        "empty": "Put a YAML into the folder of productions.",
    }
    page = new_page()
    page.goto(HOME)
    page.get_by_text("There are no productions yet").wait_for()
    page.get_by_text("Put a YAML into the folder of productions.").wait_for()
