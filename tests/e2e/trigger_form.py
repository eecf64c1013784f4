"""Airflow's trigger form in a real browser, filled in as a person does it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from sandbox.airflow.stack import AirflowStack

#: fields of the form that are lists of choices, and switches
CHOICES, SWITCHES = ("action",), ("preview", "force")


@contextmanager
def browser_page(stack: AirflowStack, user: str, password: str) -> Iterator[Page]:
    """A page of Airflow's UI, logged in; Debian's browser, without a window."""
    program = shutil.which("chromium")
    assert program, "run scripts/setup browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--no-proxy-server"]
        )
        try:
            page = browser.new_context(viewport={"width": 1280, "height": 1500}).new_page()
            page.set_default_timeout(180_000)
            page.goto(stack.url)
            page.fill("input[name=username]", user)
            page.fill("input[name=password]", password)
            page.click("button[type=submit]")
            page.wait_for_url(lambda url: "/login" not in url)
            yield page
        finally:
            browser.close()


def open_form(page: Page, stack: AirflowStack, dag_id: str) -> None:
    """Open the trigger form of a DAG."""
    page.goto(f"{stack.url}/dags/{dag_id}")
    page.get_by_role("button", name="Trigger").click()
    page.locator("[name=element_production]").wait_for()


def fill(page: Page, fields: Mapping[str, str | bool]) -> None:
    """Fill in fields of the open form by the names of their parameters."""
    for name, value in fields.items():
        if name in CHOICES:
            page.locator(f"#element_{name} input[role=combobox]").click()
            page.keyboard.type(str(value))
            page.keyboard.press("Enter")
        elif name in SWITCHES:
            switch = page.locator(f"[name=element_{name}]")
            if switch.is_checked() != value:
                switch.focus()
                page.keyboard.press("Space")
            expect(switch).to_be_checked(checked=bool(value))
        else:
            page.fill(f"#element_{name}", str(value))


def submit(page: Page, picture: Path | None = None) -> str:
    """Send the form; returns the ID of the run that Airflow has begun.

    :param picture: where a screenshot of the filled form is written.
    """
    if picture is not None:
        page.get_by_role("dialog").screenshot(path=picture)
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and answer.url.endswith("/dagRuns")
    ) as caught:
        page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
    answer = caught.value
    assert answer.ok, answer.text()
    return str(answer.json()["dag_run_id"])
