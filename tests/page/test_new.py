"""A production is written in the browser; the answers are those of the server's own code."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from dirac_prodsys.core.language.completions import completions
from dirac_prodsys.core.reports.page.runbooks import runbook
from dirac_prodsys.provider.page.draft import draft
from tests.page.conftest import HOME, asked, overhang
from tests.page.shell import Request, Shell
from tests.page.test_looks import _findings, picture

ROOT = Path(__file__).parents[2]
MOST = 200_000


@pytest.fixture
def desk(served: Shell) -> Shell:
    """A server that checks texts as ours does, and takes files."""
    text = (ROOT / "plugins/dirac_prodsys/cli/templates/chain.yaml").read_text()
    template = {"name": "chain", "about": "simulate, process, merge", "text": text}
    served.answers["/api/new"] = {
        "templates": [template],
        "keys": completions(),
        "hand_in": {"allowed": True, "why_not": ""},
        "most": MOST,
    }

    def check(request: Request) -> tuple[int, Any]:
        return 200, draft(request.body["text"], 0.0)[0].model_dump(mode="json")

    served.answers["/api/new/check"] = check
    return served


def opened(page: Page) -> Locator:
    """The field of the text, on the open page."""
    page.goto(f"{HOME}/new")
    field = page.locator("textarea")
    field.wait_for()
    return field


def begin(page: Page) -> Locator:
    """The field, with a template in it that was found to be good."""
    field = opened(page)
    page.get_by_label("Name", exact=True).fill("gammas")
    page.get_by_role("button", name="Begin with this").click()
    page.get_by_text("✓ no mistakes").wait_for()
    return field


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_a_production_is_written_with_its_graph_and_plan_beside_it(
    desk: Shell, new_page: Callable[..., Page], width: int, theme: str, tmp_path: Path
) -> None:
    """Pictures are kept in the folder that ``PICTURES`` names."""
    pictures = Path(os.environ.get("PICTURES", tmp_path))
    page = new_page(width, theme)
    field = begin(page)
    page.get_by_role("region", name="Graph").locator(".dp-node").nth(2).wait_for()
    expect(page.locator(".dp-planned")).to_have_count(3)
    assert _findings(page) == []
    assert overhang(page) <= 0
    picture(page, pictures / f"new-{theme}-{width}.png")
    field.fill(field.input_value().replace("tasks: 20", "tasks: many"))
    page.get_by_text("✕ 1 error").wait_for()
    finding = page.locator(".dp-found li").first
    expect(finding).to_contain_text("should be a whole number, not 'many'")
    finding.get_by_role("button").click()
    line = field.evaluate("one => one.value.slice(0, one.selectionStart).split('\\n').length")
    assert f"line {line}" in finding.inner_text()
    assert _findings(page) == []
    assert overhang(page) <= 0
    picture(page, pictures / f"new-wrong-{theme}-{width}.png")


def test_keys_and_values_are_offered_where_they_may_stand(
    desk: Shell, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    field = begin(page)
    options = page.get_by_role("group", name="What may stand here")

    def offered(after: str, typed: str) -> list[str]:
        at = field.input_value().index(after) + len(after)
        field.evaluate("(one, at) => { one.focus(); one.setSelectionRange(at, at); }", at)
        page.keyboard.type(typed)
        return options.locator(".dp-option .dp-mono").all_inner_texts()

    assert "policy" in offered("  merge:\n    type: Merging\n", "    ")
    page.keyboard.type("pol")
    expect(options.locator(".dp-option")).to_have_count(1)
    page.keyboard.press("Control+ ")
    page.keyboard.press("Enter")
    assert "    policy: " in field.input_value()
    expect(field).to_be_focused()
    page.keyboard.type("{fl")
    expect(options.locator(".dp-option .dp-mono")).to_have_text(["flush"])
    page.keyboard.press("Control+ ")
    page.keyboard.press("Enter")
    expect(options.locator(".dp-option .dp-mono").first).to_have_text("auto")
    page.keyboard.type("never}")
    assert "    policy: {flush: never}" in field.input_value()
    assert offered("input: {from: ", "") == []  # ``process`` stands there, whole or not
    assert "by_type" in offered("defaults:\n", "  ")


def test_a_text_is_kept_downloaded_and_handed_in(
    desk: Shell, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    desk.answers["/api/new/files"] = lambda request: (
        201,
        {"file": f"{request.body['name']}.yaml", "words": "Its Dag appears soon."},
    )
    page = new_page()
    text = begin(page).input_value()
    page.reload()
    expect(page.locator("textarea")).to_have_value(text)
    page.get_by_text("✓ no mistakes").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "gammas.yaml"
    download.value.save_as(tmp_path / "it")
    assert (tmp_path / "it").read_text() == text
    page.get_by_role("button", name="Hand it to the folder").click()
    page.get_by_text("gammas.yaml is in the folder").wait_for()
    given = next(one for one in desk.asked if one.path == "/api/new/files")
    assert given.body == {"name": "gammas", "text": text}
    desk.answers["/api/new/files"] = lambda _: (409, {"detail": "it is there", "hint": "rename"})
    page.get_by_role("button", name="Hand it to the folder").click()
    expect(page.get_by_role("alert")).to_have_text("it is there. rename")
    page.get_by_role("button", name="Replace the text…").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("textarea")).to_have_value(text)


def test_hostile_text_is_text_and_an_outage_takes_nothing_away(
    desk: Shell, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    field = opened(page)
    bad = "<img src=x onerror=window.bad=1>"
    field.fill(f"version: 1\nproduction: {{name: '{bad}', vo: sim}}\n{bad}: 1\n")
    page.locator(".dp-found li").first.wait_for()
    assert page.evaluate("window.bad") is None
    before = asked(desk, "/api/new/check")
    desk.down = True
    field.press("End")
    field.type("x")
    page.get_by_text("API server does not answer").wait_for()
    assert bad in field.input_value()
    assert asked(desk, "/api/new/check") > before
    desk.down = False
    field.type("y")
    expect(page.get_by_text("API server does not answer")).to_have_count(0)


def test_the_runbook_of_a_notice_is_read_on_the_page(
    served: Shell, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    text = (ROOT / "docs/runbooks/given_up.md").read_text()
    served.answers["/api/runbooks/given_up"] = runbook("given_up", text).model_dump(mode="json")
    page = new_page(390, "dark")
    page.goto(f"{HOME}/runbook/given_up")
    page.get_by_role("heading", name="What to do").wait_for()
    expect(page.get_by_role("listitem")).to_have_count(6)
    assert _findings(page) == []
    picture(page, Path(os.environ.get("PICTURES", tmp_path)) / "runbook-dark-390.png")
