"""A shifter's hour on the production page: real Chromium, real Airflow, a production that runs.

Every act is a click, and what the page says is compared with DIRAC's own tables. Pictures are
kept in the folder that ``PICTURES`` names.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.acting import RUN, merging, status, tasks, unused
from tests.e2e.site import Site
from tests.e2e.trigger_form import browser_page
from tests.patience import patience, until

NAME = "shift"
HOME = "/plugin/dirac-productions"


@pytest.fixture
def running(site: Site) -> str:
    """A production whose merging waits for a person, and one step of which asks one."""
    asks = site.quick("late").replace("  type: MC", '  approval: {subject: "Go on?"}\n  type: MC')
    site.drop(NAME, *merging(site, NAME)[:3], asks)
    site.begin(NAME, RUN)
    waits = ("merge.wait_for_completion", "hold.wait_for_completion")
    site.waiting(NAME, RUN, *waits, seconds=300)
    until("three files", 240, lambda: unused(site, NAME) == 3, each=0.5)
    return NAME


def test_a_shifter_sees_what_is_wrong_and_acts(site: Site, running: str, tmp_path: Path) -> None:
    pictures = Path(os.environ.get("PICTURES", tmp_path))
    with browser_page(site.stack, *site.stack.login) as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(1000 * patience(60))
        expect.set_options(timeout=1000 * patience(30))

        # two clicks from Airflow's home to the step that is stuck, and why
        page.goto(site.stack.url)
        page.get_by_role("link", name="Productions").click()
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=running, exact=True))
        expect(row).to_contain_text(f"run {RUN}")
        row.get_by_role("link", name="merge").click()
        step = page.get_by_role("region", name="Step merge")
        expect(step.get_by_role("region", name="Why it is so")).to_contain_text("merge")
        expect(step).to_contain_text("3 Unused")
        everywhere(page, site, pictures)

        # a question is answered, a comment written, a step stopped and resumed, another flushed
        page.goto(f"{site.stack.url}{HOME}/run/{running}/{RUN}?step=merge")
        question = page.get_by_role("region", name="A question").filter(has_text="Go on?")
        question.get_by_role("button", name="Approve", exact=True).click()
        expect(question).to_have_count(0)
        page.get_by_role("tab", name="Comment").click()
        page.get_by_role("button", name="Write a comment").last.click()
        page.get_by_label("Comment on this run").fill("<b>looked at</b> by the night shift")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("<b>looked at</b> by the night shift")).to_be_visible()
        act(page, "Flush", "merge")
        until("merge makes its task", 240, lambda: tasks(site, NAME, "merge") == 1, each=0.5)
        page.screenshot(path=pictures / "flushed.png", full_page=True)
        page.goto(f"{site.stack.url}{HOME}/run/{running}/{RUN}?step=hold")
        act(page, "Stop", "hold")
        assert status(site, NAME, "hold") == "Stopped"
        expect(page.get_by_role("region", name="Step hold")).to_contain_text("Stopped")
        act(page, "Resume", "hold")
        assert status(site, NAME, "hold") == "Active"

        # the tab of the run in Airflow is the same page
        page.goto(f"{site.stack.url}/dags/{running}/runs/{RUN}/plugin/dirac-production-run")
        expect(page.get_by_role("button", name="merge, Merging").first).to_be_visible()
        page.screenshot(path=pictures / "tab.png")

        site.open_gate(NAME, RUN)
        site.succeeds(NAME, RUN, 400)
        page.goto(f"{site.stack.url}{HOME}?over=true&production={running}")
        expect(page.get_by_role("row").filter(has_text="completed")).to_have_count(1)
        page.screenshot(path=pictures / "ended.png")
        assert errors == []


def act(page: Page, what: str, step: str) -> None:
    """Do something to the chosen step, as a person does."""
    panel = page.get_by_role("region", name=f"Step {step}")
    panel.get_by_role("button", name=f"{what}…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It would touch 1 transformation")
    dialog.get_by_label("Why? It is recorded").fill("the night shift")
    dialog.get_by_role("button", name=f"{what} 1 transformation").click()
    expect(dialog).to_contain_text("1 done")
    dialog.get_by_role("button", name="Close", exact=True).click()
    expect(dialog).to_have_count(0)


def everywhere(page: Page, site: Site, pictures: Path) -> None:
    """Take pictures of every page, in both themes and at both widths."""
    pictures.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 1000})
            for name in ("", f"/run/{NAME}/{RUN}?step=merge", "/errors", "/campaign", "/grid"):
                page.goto(f"{site.stack.url}{HOME}{name}")
                page.locator(".dp-ages").last.wait_for()
                what = name.strip("/").partition("/")[0] or "list"
                page.screenshot(path=pictures / f"{what}-{theme}-{width}.png", full_page=True)
    page.evaluate("localStorage.setItem('theme', 'light')")
    page.set_viewport_size({"width": 1280, "height": 1500})
