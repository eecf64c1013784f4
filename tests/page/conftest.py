"""One browser for all tests of the page, and the answers of its server from the examples."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.page.shell import Shell, shell
from tests.patience import patience

EXAMPLES = Path(__file__).parents[1] / "unit" / "provider" / "page" / "examples"
HOME = "/plugin/dirac-productions"

#: address of each page, and where its data are
PAGES = {
    "productions": HOME,
    "run": f"{HOME}/run/bands/r1",
    "step": f"{HOME}/run/bands/r1?step=merge",
    "errors": f"{HOME}/errors",
    "campaign": f"{HOME}/campaign",
    "compare": f"{HOME}/compare?dag_id=bands&run=r0&with_dag_id=bands&with_run=r1",
    "grid": f"{HOME}/grid",
}
_PATHS = {
    "/api/productions": "productions",
    "/api/dags/bands/runs/r1": "production",
    "/api/dags/bands/runs/r1/steps/merge": "step",
    "/api/errors": "errors",
    "/api/campaign": "campaign",
    "/api/compare": "compare",
    "/api/grid": "grid",
}


@pytest.fixture(scope="session")
def examples() -> dict[str, Any]:
    """The example of each answer, by its name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in EXAMPLES.glob("*.json")}


@pytest.fixture
def answers(examples: dict[str, Any]) -> dict[str, Any]:
    """What the page's server answers, by path; tests may change it."""
    return {path: copy.deepcopy(examples[name]) for path, name in _PATHS.items()}


@pytest.fixture
def served(answers: dict[str, Any]) -> Iterator[Shell]:
    with shell(answers) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's browser, without a window.

    It ends with its module: while it is there, an event loop runs, and no other test may run one.
    """
    program = shutil.which("chromium")
    assert program, "run scripts/setup browser"
    expect.set_options(timeout=1000 * patience(10))
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--no-proxy-server"]
        )
        yield made
        made.close()


@pytest.fixture
def new_page(browser: Browser, served: Shell) -> Iterator[Callable[..., Page]]:
    """Makes a page of the browser, of a width and in a theme; its scripts may make no mistake."""
    contexts = []
    wrong: list[str] = []

    def make(width: int = 1280, theme: Literal["light", "dark"] = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, base_url=served.url, color_scheme=theme
        )
        context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        context.set_default_timeout(1000 * patience(20))
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if _is_error(said) else None)
        contexts.append(context)
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def _is_error(said: Any) -> bool:
    """Whether the browser reports a mistake of ours; that a request failed is none."""
    return said.type == "error" and "Failed to load resource" not in said.text


def open_view(page: Page, path: str) -> None:
    """Open an address, and wait for the data on it."""
    page.goto(path)
    page.locator(".dp-ages").first.wait_for()


def overhang(page: Page) -> int:
    """Return by how many pixels our part of the page is wider than its room."""
    script = "(one) => one.scrollWidth - one.clientWidth"
    return int(page.locator(".dp-root").first.evaluate(script))


def open_panel(page: Page) -> Locator:
    """Return the panel of the chosen tab; while another is chosen, there are two."""
    return page.locator('[role="tabpanel"][data-state="open"]')


def asked(served: Shell, path: str) -> int:
    """Count the requests for a path."""
    return sum(one.path == path for one in served.asked)
