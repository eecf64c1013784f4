"""The table of jobs: its numbers add up, and what jobs say stays text."""

from __future__ import annotations

import json
from dataclasses import replace

from dirac_prodsys.core.grid.jobs import MOST_ROWS, JobReport, JobState, job_report

JOBS = [
    *(JobState(n, "Done", "Execution Complete", "Job done", "LCG.A.org") for n in range(1, 7)),
    JobState(7, "Failed", "Application", "exit 1", "LCG.A.org"),
    JobState(8, "Failed", "Application", "exit 1", "LCG.B.org"),
    JobState(9, "Failed", "Application", "exit 1", "LCG.B.org"),
    JobState(10, "Killed", "Application", "", "LCG.B.org"),
]


def report() -> JobReport:
    return job_report("transformation 7", JOBS, requeued={"Failed: Application": 3})


def test_the_numbers_add_up() -> None:
    made = report()
    assert made.total == len(JOBS) == sum(made.by_status().values())
    assert made.by_status() == {"Done": 6, "Failed": 3, "Killed": 1}
    for status, number in made.by_status().items():
        assert number == sum(n for (s, _), n in made.by_minor().items() if s == status)


def test_a_minor_status_has_its_share_of_its_own_status() -> None:
    """ "Application" goes with Failed and Killed: 3 of 3, and 1 of 1."""
    assert report().by_minor() == {
        ("Done", "Execution Complete"): 6,
        ("Failed", "Application"): 3,
        ("Killed", "Application"): 1,
    }
    assert report().to_text().count("(100.0%)") == 3


def test_the_table_as_text() -> None:
    lines = report().to_text().splitlines()
    assert lines[0] == "transformation 7"
    assert lines[1].split() == ["Status", "MinorStatus", "ApplicationStatus", "Site", "Total"]
    rows = [line.split() for line in lines[3:]]
    assert rows[0] == ["Done", "Execution", "Complete", "Job", "done", "LCG.A.org", "6"]
    assert rows[1] == ["Total:", "Execution", "Complete", "6", "(100.0%)"]
    assert rows[2] == ["Total:", "Done", "6", "(60.0%)"]
    assert rows[3] == ["Failed", "Application", "exit", "1", "LCG.A.org", "1"]
    assert rows[4] == ["Failed", "Application", "exit", "1", "LCG.B.org", "2"]
    assert ["Total:", "Failed", "3", "(30.0%)"] in rows
    assert ["Total", "10"] in rows
    assert lines[-3] == "3 jobs: Failed: Application: exit 1, most at LCG.B.org, e.g. jobs 7, 8, 9"
    assert lines[-1] == "3 files tried again: Failed: Application"


def test_the_most_frequent_cause_comes_first() -> None:
    first, second = report().causes()
    assert (first.total, first.site, first.samples) == (3, "LCG.B.org", (7, 8, 9))
    assert second.text == "Killed: Application"


def test_what_a_job_says_is_text_in_html() -> None:
    made = job_report("<1>", [JobState(1, "Failed", "<b>", "<script>x()</script>", "a&b")])
    page = made.to_html()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "a&amp;b" in page
    assert "color:red" in page


def test_the_json_form_is_json() -> None:
    data = json.loads(json.dumps(report().to_dict()))
    assert data["total"] == 10
    assert data["statuses"] == {"Done": 6, "Failed": 3, "Killed": 1}
    assert data["rows"][0]["samples"] == [1, 2, 3, 4, 5]


def test_a_table_has_an_end_and_its_numbers_add_up_all_the_same() -> None:
    jobs = [JobState(n, "Failed", "Application", f"exit {n}", "LCG.A.org") for n in range(1, 900)]
    jobs += [JobState(1000 + n, "Failed", "Application", "exit 1", "LCG.A.org") for n in range(5)]
    made = job_report("t", jobs)
    assert len(made.rows) == MOST_ROWS + 1
    assert made.total == len(jobs)
    assert made.causes()[0].text == "Failed: Application: (others)"
    assert made.causes()[1].total == 6


def test_a_report_on_no_jobs_is_one() -> None:
    made = job_report("nothing", [], note="job monitoring does not answer")
    assert made.total == 0
    assert made.causes() == []
    assert "job monitoring does not answer" in made.to_text()
    assert "<table>" in made.to_html()


def test_what_happened_while_it_was_waited_for_is_reported_below_the_table() -> None:
    made = job_report("t", [JobState(1, "Done")], unit="requests")
    made = replace(made, events=("the WorkflowTaskAgent stood still",))
    assert made.to_text().splitlines()[-1] == "the WorkflowTaskAgent stood still"
    assert made.to_dict()["events"] == ["the WorkflowTaskAgent stood still"]
