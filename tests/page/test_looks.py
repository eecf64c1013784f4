"""Every page, in both themes and at both widths: readable, and for everybody."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.page.conftest import PAGES, open_view, overhang
from tests.page.shell import Shell

#: findings of axe-core that count
_GRAVE = ("serious", "critical")


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (1280, "light"),
        (390, "dark"),
        pytest.param(1280, "dark", marks=pytest.mark.soak),
        pytest.param(390, "light", marks=pytest.mark.soak),
    ],
)
def test_every_page_is_readable(
    new_page: Callable[..., Page], width: int, theme: str, tmp_path: Path
) -> None:
    """Pictures are kept in the folder that ``PICTURES`` names."""
    pictures = Path(os.environ.get("PICTURES", tmp_path))
    page = new_page(width, theme)
    found = []
    for name, path in PAGES.items():
        open_view(page, path)
        if name == "step":
            page.get_by_role("region", name="Step merge").locator(".dp-why").wait_for()
        found += [f"{name}: {line}" for line in _findings(page)]
        assert overhang(page) <= 0, f"{name} is wider than the window"
        picture(page, pictures / f"{name}-{theme}-{width}.png")
    assert found == []


def test_dialogs_are_readable(
    new_page: Callable[..., Page], served: Shell, examples: dict[str, Any], tmp_path: Path
) -> None:
    served.answers["/api/dags/bands/actions/preview"] = examples["action_started"]
    served.answers[examples["action_started"]["follow"]] = examples["action_preview"]
    pictures = Path(os.environ.get("PICTURES", tmp_path))
    for width, theme in ((1280, "light"), (390, "dark")):
        page = new_page(width, theme)
        open_view(page, PAGES["step"])
        page.get_by_role("button", name="Clean…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("to confirm").wait_for()
        assert _findings(page) == []
        page.screenshot(path=pictures / f"clean-{theme}-{width}.png")


def _findings(page: Page) -> list[str]:
    """Return what axe-core finds on our part of the page."""
    where = {"include": [[".dp-root"]], "exclude": [["#nav-bar"]]}
    answer = Axe().run(page, context=where)
    assert len(answer.response["passes"]) > 10, "it has looked at nothing"
    grave = (one for one in answer.response["violations"] if one["impact"] in _GRAVE)
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}; {one['help']}" for one in grave]


def picture(page: Page, path: Path) -> None:
    """Take a picture of the whole of our part, however long it is."""
    size = page.viewport_size
    assert size is not None
    height = page.evaluate("document.querySelector('.dp-root').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(height + 20, 4000)})
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
    page.set_viewport_size(size)
