"""What people and jobs write is shown as text, however it is made and however long it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.page.conftest import PAGES, open_view, overhang
from tests.page.shell import Shell

MARKUP = "<img src=x onerror='globalThis.hacked=1'><script>globalThis.hacked=1</script>"
RIGHT_TO_LEFT = "\u202egnp.exe\u202d \u0645\u0631\u062d\u0628\u0627"
TEMPLATE = "{{7*7}} ${7*7} javascript:globalThis.hacked=1"
WORDS = {"markup": f"{MARKUP} {RIGHT_TO_LEFT} {TEMPLATE}", "long": "x" * 10_000}
#: keys whose values are words of the interface between server and page, never anybody's text
_FIXED = frozenset(
    {
        *("kind", "colour", "unit", "sign", "answer", "result", "outcome", "severity", "sort"),
        *("key", "href", "follow", "exports"),
    }
)
_LINKS = frozenset({"step", "parent", "child", "value"})


def hostile(data: Any, text: str, key: str = "") -> Any:
    """The same answer, with a hostile text behind each text that somebody may have written."""
    if isinstance(data, dict):
        bar = "share" in data
        return {
            name: value if bar and name == "name" else hostile(value, text, name)
            for name, value in data.items()
        }
    if isinstance(data, list):
        return [hostile(one, text, key) for one in data]
    if not isinstance(data, str) or key in _FIXED or re.match(r"\d{4}-\d\d-\d\dT", data):
        return data
    return data if key in _LINKS and len(text) > 1000 else data + text


@pytest.mark.parametrize("kind", WORDS)
def test_every_page_shows_it_as_text(
    new_page: Callable[..., Page], served: Shell, answers: dict[str, Any], kind: str
) -> None:
    for path, answer in answers.items():
        served.answers[path] = hostile(answer, WORDS[kind])
    served.answers.update({p.replace("/merge", "/x"): a for p, a in served.answers.items()})
    page = new_page(390)
    for name, path in PAGES.items():
        open_view(page, path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("globalThis.hacked === undefined"), name
        assert page.locator(".dp-root img, .dp-root script, .dp-root iframe").count() == 0, name
        assert overhang(page) <= 0, f"{name} is wider than the window"
        links = page.locator(".dp-root a").evaluate_all("all => all.map((one) => one.protocol)")
        assert set(links) <= {"http:", "https:"}, name
        if kind == "markup":
            shown = page.locator(".dp-root").inner_text()
            assert MARKUP in shown, name
            assert TEMPLATE in shown, name
