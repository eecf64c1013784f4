"""The page as plain HTML: the same data, every text as text, nothing that runs."""

from __future__ import annotations

import json
from html import escape
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.testclient import TestClient

from dirac_prodsys.core.reports.ledger.records import CommentRecord
from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.page.app import PREFIX
from tests.unit.provider.page.scenario import HOSTILE, NOW

PAGES = (
    "/",
    "/productions?over=true",
    "/productions/bands/r1",
    "/productions/bands/r1/merge",
    "/productions/rings/~",
    "/errors",
    "/grid",
    "/campaign",
)

#: elements without an end
_VOID = {"meta", "link", "br", "input"}
#: what a document of ours may hold
_KNOWN = {
    *("html", "head", "title", "body", "nav", "h1", "h2", "p", "a", "table", "thead", "tbody"),
    *("tr", "th", "td", "pre", "footer", "form", "label", "button", "progress"),
    *_VOID,
}


class Reader(HTMLParser):
    """Reads a document: its elements, links and text; ends must fit."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_a_document_without_scripts(vera: TestClient, path: str) -> None:
    answer = vera.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    document = Reader(answer.text)
    assert document.elements <= _KNOWN
    for link in document.links:
        assert link.startswith((f"{PREFIX}/", "/")), link


def test_words_of_people_are_shown_as_text(vera: TestClient) -> None:
    for path in ("/productions?over=true", "/productions/bands/r1"):
        page = vera.get(path).text
        assert "<script>" not in page
        assert escape(HOSTILE) in page
        assert HOSTILE in Reader(page).text


def test_half_a_letter_and_ten_thousand_are_words_as_well(vera: TestClient, ledger: Ledger) -> None:
    words = f"\ud800 {'W' * 10_000}"
    place = {"vo": "sim", "production": "bands", "run": "r1"}
    ledger.write([CommentRecord(at=NOW, text=words, by="\udfff", **place)])
    answer = vera.get("/api/dags/bands/runs/r1")
    assert answer.status_code == 200
    assert json.loads(answer.content)["comments"][0]["text"] == words
    assert "W" * 10_000 in vera.get("/productions/bands/r1").text


def test_links_lead_to_pages(vera: TestClient) -> None:
    home = Reader(vera.get("/").text)
    inside = [link.removeprefix(PREFIX) for link in home.links if link.startswith(PREFIX)]
    assert "/productions/bands/r1" in inside
    for link in inside:
        assert vera.get(link).status_code == 200, link


def test_a_page_says_how_old_its_data_are(vera: TestClient) -> None:
    assert "Ledger 0 s old" in Reader(vera.get("/").text).text


def test_what_was_asked_stays_in_the_form(vera: TestClient) -> None:
    page = vera.get("/productions", params={"text": '"><script>', "over": True}).text
    assert "<script>" not in page
    assert "No run fits these filters" in page
