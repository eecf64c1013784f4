"""The seventeen rows of a site's page come out as that page; text of people stays text."""

from __future__ import annotations

import csv
import io
import json
import random

from dirac_prodsys.communities.ctao.rules.summary_columns import COLUMNS as SUMMARY_COLUMNS
from dirac_prodsys.core.reports.summary.columns import COLUMNS, goal, numbers, query_words, sizes
from dirac_prodsys.core.reports.summary.forms import table, to_csv, to_json, to_markdown
from dirac_prodsys.core.reports.summary.row import SummaryRow
from dirac_prodsys.core.reports.summary.rows import summary_rows
from tests.unit.core.reports.summary.seed_rows import page, records


def test_the_rows_that_a_site_entered_come_out_as_its_page() -> None:
    entered = records()
    random.Random(1).shuffle(entered)  # noqa: S311  in whatever order the ledger has them
    head, *body = page()
    assert len(body) == 17
    assert table(summary_rows(entered), SUMMARY_COLUMNS) == (head, body)


def test_they_come_out_the_same_after_their_way_through_csv_and_markdown() -> None:
    rows = summary_rows(records())
    assert list(csv.reader(io.StringIO(to_csv(rows, SUMMARY_COLUMNS)))) == page()
    lines = to_markdown(rows, SUMMARY_COLUMNS).splitlines()
    assert len(lines) == 19
    assert [line.strip("| ").split(" | ") for line in (lines[0], *lines[2:])] == page()
    assert set(lines[1]) == {"|", "-", " "}


def test_json_has_numbers_and_nulls() -> None:
    rows = json.loads(to_json(summary_rows(records())))["rows"]
    assert rows[3]["transformations"] == [285, 349]
    assert rows[3]["bytes"] == [454_200_000_000_000, 134_700_000_000_000]
    assert (rows[8]["events_per_file"], rows[8]["files"], rows[8]["target"]) == (None, [], None)


def test_text_of_people_makes_no_cell_no_tag_and_no_formula() -> None:
    evil = '=HYPERLINK("x")|<script>alert(1)</script>\n| next | `code` [a](b)'
    row = SummaryRow(dataset="d", comment=evil)
    (line,) = to_markdown([row]).splitlines()[2:]
    assert line.replace("\\|", "").count("|") == len(COLUMNS) + 1
    assert "<script" not in line.replace("\\<", "")
    (_, cells) = csv.reader(io.StringIO(to_csv([row])))
    assert cells[-1].startswith("'=HYPERLINK")
    assert len(cells) == len(COLUMNS)
    assert cells[0] == "-"


def test_numbers_of_one_cell_share_their_unit() -> None:
    assert sizes([454.2e12, 0.8e12]) == "454.2 0.8 TB"
    assert sizes([2.5e9]) == "2.5 GB"
    assert sizes([12, 0]) == "12 0 B"
    assert sizes([]) == "-"
    assert numbers([1400, 1200]) == "1400 1200"
    assert numbers([2_500_000]) == "2.50e6"
    assert goal(2e9) == "2e9"
    assert goal(0.0) == "0"
    assert goal(None) == "-"


def test_a_query_is_written_in_words() -> None:
    assert query_words({"particle": "gamma", "zenith": {"in": [20, 40]}}) == (
        "particle gamma, zenith one of 20, 40"
    )
    assert query_words("") == query_words({}) == "-"
