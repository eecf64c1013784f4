"""The page with its own server, a ledger and Airflow's database, in the browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from dirac_prodsys.ledger.store import Ledger
from tests.page.conftest import HOME, PAGES, open_panel, open_view
from tests.page.shell import Shell
from tests.page.test_looks import picture

# fixtures of the server
from tests.unit.provider.page.conftest import (  # noqa: F401
    As,
    airflow,
    as_user,
    clock,
    keeper,
    ledger,
    server,
    token,
    token_of,
    told,
)
from tests.unit.provider.page.scenario import HOSTILE


def serve(served: Shell, as_user: As, name: str) -> None:  # noqa: F811
    """Let a user of Airflow look at the page's own server."""
    client = as_user(name)

    def ask(method: str, path: str, sent: bytes) -> tuple[int, str, bytes]:
        headers = {"Content-Type": "application/json", "X-Requested-With": "dirac-prodsys"}
        answer = client.request(method, path, content=sent, headers=headers)
        return answer.status_code, answer.headers["content-type"], answer.content

    served.server = ask


def test_every_page_draws_what_the_server_answers(
    new_page: Callable[..., Page],
    served: Shell,
    as_user: As,  # noqa: F811
    told: Ledger,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Pictures are kept in the folder that ``PICTURES`` names."""
    pictures = Path(os.environ.get("PICTURES", tmp_path))
    serve(served, as_user, "ada")
    page = new_page()
    open_view(page, HOME)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="bands", exact=True))
    row.get_by_role("link", name="merge").click()
    step = page.get_by_role("region", name="Step merge")
    expect(step.get_by_role("region", name="Why it is so")).to_contain_text("Since")
    expect(step.get_by_role("heading", name="Failures by cause and site")).to_be_visible()
    page.get_by_role("tab", name="Comment").click()
    expect(page.get_by_text("for the paper")).to_contain_text(HOSTILE[:28])
    for name, path in PAGES.items():
        open_view(page, path)
        expect(page.get_by_text("cannot be drawn")).to_have_count(0)
        assert page.locator(".dp-root script").count() == 0, name
        picture(page, pictures / f"server-{name}.png")


def test_a_comment_is_kept_and_a_viewer_may_write_none(
    new_page: Callable[..., Page],
    served: Shell,
    as_user: As,  # noqa: F811
    told: Ledger,  # noqa: F811
) -> None:
    serve(served, as_user, "ada")
    page = new_page()
    open_view(page, f"{PAGES['run']}?part=comment")
    page.get_by_role("button", name="Change the comment").click()
    page.get_by_label("Comment on this run").fill("<b>seen</b> by the night shift")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("<b>seen</b> by the night shift")).to_be_visible()
    serve(served, as_user, "vera")
    page.reload()
    expect(page.get_by_text("<b>seen</b> by the night shift")).to_be_visible()
    expect(page.get_by_role("button", name="Change the comment")).to_have_count(0)
    page.get_by_role("tab", name="Act").click()
    expect(open_panel(page)).to_contain_text("production_operations")
    expect(page.get_by_role("button", name="Stop…")).to_have_count(0)
