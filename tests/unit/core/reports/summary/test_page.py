"""The page is one file without scripts, and shows text as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import (
    CountsRecord,
    JobRow,
    JobsRecord,
    StepRecord,
    StorageRecord,
    Stored,
)
from dirac_prodsys.core.reports.summary.page import to_html
from dirac_prodsys.core.reports.summary.rows import summary_rows
from tests.unit.core.reports.summary.seed_rows import page, records

AT = datetime(2026, 3, 1, tzinfo=UTC)
EVIL = '"><script>alert(1)</script><img src=x onerror=y>'


class Reader(HTMLParser):
    """What a browser sees."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def made(found: list[Record], title: str = "Datasets") -> str:
    return to_html(title, summary_rows(found), found, AT)


def at(hours: float, step: str = "merge", number: int = 7) -> dict[str, Any]:
    moment = AT + timedelta(hours=hours)
    own = {"step": step, "transformation": number, "name": f"bands__r1__{step}"}
    return {"at": moment, "vo": "sim", "production": "bands", "run": "r1", **own}


def test_all_cells_of_the_table_are_on_the_page() -> None:
    reader = read(made(list(records())))
    assert reader.tags.count("tr") == 18
    _, *body = page()
    assert {cell for line in body for cell in line} <= set(reader.texts)
    assert "svg" not in reader.tags  # nothing to draw


def test_progress_storage_and_failures_are_drawn() -> None:
    found: list[Record] = [
        StepRecord(**at(0), group_size=2),
        *(
            CountsRecord(**at(h), status="Active", files={"Processed": h, "Unused": 4 - h})
            for h in range(4)
        ),
        StorageRecord(**at(1), elements={"A-SE": Stored(files=1, bytes=9)}),
        StorageRecord(**at(2), elements={"A-SE": Stored(files=2, bytes=2_000_000)}),
        JobsRecord(
            **at(2),
            rows=(
                JobRow(status="Failed", minor="no disk", site="LCG.A", total=3),
                JobRow(status="Done", minor="Execution Complete", site="LCG.B", total=9),
            ),
        ),
    ]
    reader = read(made(found))
    assert reader.tags.count("svg") == 4
    texts = set(reader.texts)
    assert {"merge: 75%", "A-SE", "2.0 MB", "no disk", "LCG.A", "3"} <= texts
    assert "LCG.B" not in texts
    (line,) = re.findall(r'points="([^"]+)"', made(found))
    heights = [float(pair.split(",")[1]) for pair in line.split()]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 4
    for drawn in re.findall(r"<svg.*?</svg>", made(found)):
        assert ElementTree.fromstring(drawn) is not None  # noqa: S314  our own


def test_text_of_jobs_and_people_stays_text() -> None:
    place = {**at(1), "production": EVIL, "step": EVIL}
    found: list[Record] = [
        StepRecord(**place, dataset=EVIL),
        CountsRecord(**place, status="Active", files={"Processed": 1}),
        StorageRecord(**place, elements={EVIL: Stored(files=1, bytes=3)}),
        JobsRecord(**place, rows=(JobRow(status="Failed", minor=EVIL, site=EVIL, total=1),)),
    ]
    reader = read(made(found, title=EVIL))
    assert "script" not in reader.tags
    assert "img" not in reader.tags
    assert not {name for name in reader.attributes if name.startswith("on")}
    assert reader.attributes.isdisjoint({"src", "href"})


def test_the_same_records_give_the_same_page() -> None:
    assert made(list(records())) == made(list(reversed(records())))


def test_of_many_causes_the_most_frequent_are_named() -> None:
    rows = tuple(
        JobRow(status="Failed", minor=f"cause {n}", site="A", total=n) for n in range(1, 31)
    )
    reader = read(made([JobsRecord(**at(1), rows=rows)]))
    assert {"cause 30", "18 others", "171"} <= set(reader.texts)
    assert "cause 18" not in reader.texts
