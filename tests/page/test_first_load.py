"""The page is small, comes without a build, and without the shell's libraries says so."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.page.conftest import HOME, PAGES, open_view
from tests.page.shell import PREFIX, STATIC

#: bytes of ours that the first look at any page may load
MOST = 100_000


@pytest.mark.parametrize("name", ["productions", "step"])
def test_the_first_look_loads_little(new_page: Callable[..., Page], name: str) -> None:
    page = new_page()
    loaded: dict[str, int] = {}
    page.on(
        "response",
        lambda answer: (
            loaded.__setitem__(answer.url, int(answer.headers["content-length"]))
            if f"{PREFIX}/static/" in answer.url
            else None
        ),
    )
    open_view(page, PAGES[name])
    print(name, sum(loaded.values()), "bytes of", len(loaded), "files")
    assert len(loaded) > 5
    assert sum(loaded.values()) <= MOST


def test_nothing_is_written_as_markup_or_run_as_code() -> None:
    """What people and jobs wrote can only be text: nothing of ours makes markup of a string."""
    texts = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
    assert len(texts) > 20
    risky = re.compile(
        r"dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacent|document\.write"
        r"|\beval\(|new Function|srcdoc"
    )
    assert [name for name, text in texts.items() if risky.search(text)] == []


def test_modules_name_files_that_exist() -> None:
    for path in STATIC.glob("*.js"):
        for other in re.findall(
            r'from "\./([^"]+)"|import\("\./([^"$]+)"\)', path.read_text("utf-8")
        ):
            assert (STATIC / "".join(other)).is_file(), f"{path.name} imports {other}"


def test_a_shell_without_the_libraries_gets_the_address_of_the_plain_page(
    new_page: Callable[..., Page],
) -> None:
    page = new_page()
    page.add_init_script("Object.defineProperty(globalThis, 'ChakraUI', {value: {Box: 1}})")
    page.goto(HOME)
    page.get_by_text("does not have what the page of productions needs").wait_for()
    assert "ChakraUI.Dialog" in page.locator("body").inner_text()
    page.get_by_role("link", name=f"{PREFIX}/").wait_for()
