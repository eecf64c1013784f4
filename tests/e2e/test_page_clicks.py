"""A shifter's hour on the production page: real Chromium, real Airflow, a production that runs.

Every act is a click. What the page says is compared, side by side, with ``dirac-prodsys status
--json``, with DIRAC's own tables and with the catalogue's, while the production runs and at its
end. Before that, each source of the page goes down and comes back with the page open. Pictures
are kept in the folder that ``PICTURES`` names.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.acting import RUN, merging, status, tasks, unused
from tests.e2e.conftest import TRANSFORMATION_MANAGER
from tests.e2e.ledger_commands import asked
from tests.e2e.page_says import catalogue_has, facts, page_says, status_says
from tests.e2e.site import Site
from tests.e2e.trigger_form import browser_page
from tests.page.conftest import overhang
from tests.page.test_looks import picture
from tests.patience import patience, until

NAME = "shift"
HOME = "/plugin/dirac-productions"
STEPS = ["make", "merge", "hold", "late"]
DATASET = f"/sim/datasets/{NAME}_{RUN}"

#: bytes of the wal-index that readers of an SQLite database lock
_READERS = 8, 120


@pytest.fixture(scope="module")
def running(site: Site) -> str:
    """A production whose merging waits for a person, and one step of which asks one."""
    make, merge, hold = merging(site, NAME)[:3]
    merge += f'  dataset: {{name: "/sim/datasets/{NAME}_${{{{ run }}}}"}}\n'
    asks = site.quick("late").replace("  type: MC", '  approval: {subject: "Go on?"}\n  type: MC')
    site.drop(NAME, make, merge, hold, asks)
    site.begin(NAME, RUN)
    waits = ("merge.wait_for_completion", "hold.wait_for_completion")
    site.waiting(NAME, RUN, *waits, seconds=300)
    until("three files", 240, lambda: unused(site, NAME) == 3, each=0.5)
    return NAME


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    """A page of Airflow, in which no script of ours makes a mistake."""
    errors: list[str] = []
    with browser_page(site.stack, *site.stack.login) as found:
        found.on("pageerror", lambda error: errors.append(str(error)))
        found.set_default_timeout(1000 * patience(60))
        expect.set_options(timeout=1000 * patience(30))
        yield found
    assert errors == []


@pytest.mark.soak
def test_an_open_page_stays_through_every_outage_and_recovers(
    site: Site, running: str, page: Page, tmp_path: Path
) -> None:
    pictures = _pictures(tmp_path)
    expect.set_options(timeout=1000 * patience(120))
    run = page.context.new_page()
    grid = page.context.new_page()
    page.goto(f"{site.stack.url}{HOME}")
    run.goto(f"{site.stack.url}{HOME}/run/{running}/{RUN}?step=merge")
    grid.goto(f"{site.stack.url}{HOME}/grid")
    views = (page, run, grid)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=running, exact=True))
    panel = run.get_by_role("region", name="Step merge")

    def kept() -> None:
        expect(row).to_contain_text("1 of 4 steps done")
        expect(panel).to_contain_text("3 Unused")

    def ages() -> list[Locator]:
        return [one.locator(".dp-ages").last for one in views]

    kept()
    expect(grid.get_by_text("the grid answers")).to_be_visible()

    site.grid.stop_service(TRANSFORMATION_MANAGER)
    try:
        for each in ages():
            expect(each).to_contain_text("the grid does not answer")
        expect(grid.locator(".dp-says")).to_contain_text("✕ does not answer")
        kept()
        page.screenshot(path=pictures / "grid-down.png")
    finally:
        site.grid.start_service(TRANSFORMATION_MANAGER)
    for each in ages():
        expect(each).not_to_contain_text("the grid does not answer")
    expect(grid.locator(".dp-says")).to_contain_text("✓ answers")

    with readers_locked_out(site.stack.home / "dirac_prodsys" / "ledger.db"):
        for each in ages():
            expect(each).to_contain_text("the ledger does not answer")
        kept()
        run.screenshot(path=pictures / "ledger-down.png")
    for each in ages():
        expect(each).not_to_contain_text("the ledger does not answer")

    site.stack.kill("api-server")
    try:
        for one in views:
            expect(one.get_by_text("API server does not answer").first).to_be_visible()
            expect(one.get_by_text("old and is kept").first).to_be_visible()
        kept()
        page.screenshot(path=pictures / "server-down.png")
    finally:
        site.stack.restart("api-server")
    for one, each in zip(views, ages(), strict=True):
        expect(one.get_by_text("API server does not answer")).to_have_count(0)
        expect(each).not_to_contain_text("▲")
    kept()


@pytest.mark.soak
def test_a_shifter_sees_what_is_wrong_and_acts(
    site: Site, running: str, page: Page, tmp_path: Path
) -> None:
    pictures = _pictures(tmp_path)
    address = f"{site.stack.url}{HOME}/run/{running}/{RUN}"

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
    says_the_same(page, site, address)

    # a question is answered, a comment written, a step stopped and resumed, another flushed
    page.goto(f"{address}?step=merge")
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
    page.goto(f"{address}?step=hold")
    act(page, "Stop", "hold")
    assert status(site, NAME, "hold") == "Stopped"
    expect(page.get_by_role("region", name="Step hold")).to_contain_text("Stopped")
    says_the_same(page, site, address)
    page.goto(f"{address}?step=hold")
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
    says_the_same(page, site, address, ended=True)
    story = json.dumps(asked(site, "history", "show", running, "--run", RUN)["story"])
    assert "<b>looked at</b> by the night shift" in story


def says_the_same(page: Page, site: Site, address: str, *, ended: bool = False) -> None:
    """Compare what the page says with what status and the catalogue say, until it is the same."""

    def same() -> bool:
        ours, theirs = page_says(page, address, STEPS), status_says(site, NAME, RUN)
        if ended:  # of a run that is over, the page says when it ended
            assert ours["run"].pop("ends").startswith("ended")
            theirs["run"].pop("ends")
        print("page:  ", ours, "\nstatus:", theirs)
        return ours == theirs

    until("the page says what status says", 180, same, each=1)
    for step in ("make", "merge") if ended else ("make",):
        has = catalogue_has(site, f"/sim/e2e/{NAME}/{RUN}/{step}")
        page.goto(f"{address}?step={step}")
        panel = page.get_by_role("region", name=f"Step {step}")
        expect(panel).to_contain_text(f"DISK-A-SE: {has}")
    if ended:
        shown = asked(site, "datasets", "show", DATASET)
        assert (shown["files"], shown["frozen"]) == (1, True)
        said = facts(page.locator(".dp-head"))["Dataset"]
        has = catalogue_has(site, f"/sim/e2e/{NAME}/{RUN}/merge")
        assert said.replace("\n", "") == f"{DATASET} · {has}, frozen"


@contextmanager
def readers_locked_out(database: Path) -> Iterator[None]:
    """Lock an SQLite database as a broken program does: nobody can read it meanwhile."""
    with Path(f"{database}-shm").open("r+b") as index:
        fcntl.lockf(index, fcntl.LOCK_EX, *_READERS)
        yield


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
    """Look at every page, in either theme and at either width: none is wider than the window."""
    this = f"dag_id={NAME}&run={RUN}"
    compare = f"/compare?{this}&with_{this.replace('&', '&with_')}"
    for theme, width in (("light", 1280), ("dark", 390)):
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        page.set_viewport_size({"width": width, "height": 1000})
        run = f"/run/{NAME}/{RUN}?step=merge"
        for name in ("", run, compare, "/errors", "/campaign", "/grid"):
            page.goto(f"{site.stack.url}{HOME}{name}")
            page.locator(".dp-ages").last.wait_for()
            what = name.strip("/").replace("?", "/").partition("/")[0] or "list"
            picture(page, pictures / f"{what}-{theme}-{width}.png")
            assert overhang(page) <= 0, f"{what} is wider than {width}"
    page.evaluate("localStorage.setItem('theme', 'light')")
    page.set_viewport_size({"width": 1280, "height": 1500})


def _pictures(tmp_path: Path) -> Path:
    found = Path(os.environ.get("PICTURES", tmp_path))
    found.mkdir(parents=True, exist_ok=True)
    return found
