"""The page of a run: a shifter's three questions, by mouse and by keyboard; tabs of Airflow."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.page.conftest import HOME, PAGES, open_panel, open_view
from tests.page.shell import Shell


def test_two_clicks_answer_the_three_questions(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/")
    page.get_by_role("link", name="Productions").click()  # 1
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="bands", exact=True))
    # when will it be done, and where is the dataset
    expect(row).to_contain_text("not known: too little is done")
    expect(row).to_contain_text("/sim/datasets/bands_r1")
    row.get_by_role("link", name="merge").click()  # 2
    # which step is stuck, and why
    step = page.get_by_role("region", name="Step merge")
    expect(step.get_by_role("region", name="Why it is so")).to_contain_text("2 files are MaxReset")
    expect(step).to_contain_text("Let the files be tried again in DIRAC")
    # which jobs fail, where, and for what cause
    cell = step.get_by_role("button", name="3 jobs failed at SIM.SiteA.org: Failed: Application")
    expect(cell).to_be_visible()
    cell.click()
    expect(step).to_contain_text("job 1234")


def test_a_step_is_chosen_by_keyboard(new_page: Callable[..., Page]) -> None:
    page = new_page()
    open_view(page, PAGES["run"])
    node = page.get_by_role("button", name="merge, Merging: needs a person")
    node.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**step=merge")
    expect(page.get_by_role("heading", name="Step merge")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Step merge")).to_have_count(0)


def test_links_are_drawn_with_their_metadata(new_page: Callable[..., Page]) -> None:
    page = new_page()
    open_view(page, PAGES["run"])
    edge = page.get_by_role(
        "img",
        name="merge takes from slices: production = bands, step = slices; takes files as they come",
    )
    expect(edge).to_be_attached()
    page.get_by_role("tab", name="Plan against grid (1)").click()
    expect(open_panel(page)).to_contain_text("was stopped behind our back")
    page.get_by_role("tab", name="Definition").click()
    expect(open_panel(page)).to_contain_text("tasks: 14")


def test_a_large_matrix_is_drawn_as_few_nodes(
    new_page: Callable[..., Page], answers: dict[str, Any]
) -> None:
    data = answers["/api/dags/bands/runs/r1"]
    nodes, edges, cells = [], [], []
    for index in range(500):
        for written, level in (("slices", 0), ("merge", 1)):
            node = copy.deepcopy(data["nodes"][level])
            node.update(
                step=f"{written}-{index}", written=written, level=level, branch={"n": str(index)}
            )
            nodes.append(node)
        edges.append({**data["edges"][0], "parent": f"slices-{index}", "child": f"merge-{index}"})
        state = data["nodes"][1]["state"]
        cells.append(
            {
                "values": [str(index)],
                "steps": [f"slices-{index}", f"merge-{index}"],
                "state": state,
                "fraction": 0.5,
            }
        )
    matrix = {
        "axes": [{"name": "n", "values": [str(index) for index in range(500)]}],
        "cells": cells,
    }
    data.update(nodes=nodes, edges=edges, matrix=matrix)
    page = new_page()
    open_view(page, PAGES["run"])
    expect(page.locator(".dp-node")).to_have_count(2)
    expect(page.locator(".dp-graph")).to_contain_text("500 branches")
    page.get_by_role("button", name="7: needs a person, 50 % done", exact=True).click()
    page.wait_for_url("**step=merge-7")


def test_a_tab_of_a_dag_that_is_no_production_says_so(
    new_page: Callable[..., Page], served: Shell
) -> None:
    page = new_page()
    page.goto(f"{HOME}/run/tutorial/~")
    page.get_by_text("There is no such run").wait_for()
    page.get_by_role("link", name="See all productions").click()
    page.wait_for_url(f"**{HOME}")


def test_a_question_is_answered_by_airflows_route(new_page: Callable[..., Page]) -> None:
    page = new_page()
    open_view(page, PAGES["run"])
    page.get_by_label("Why", exact=True).fill("known calibration gap")
    with page.expect_request("**/hitlDetails") as sent:
        page.get_by_role("button", name="Go on without them").click()
    assert sent.value.method == "PATCH"
    assert sent.value.post_data_json == {
        "chosen_options": ["Go on without them"],
        "params_input": {"reason": "known calibration gap"},
    }


def test_what_a_question_says_is_drawn_and_never_markup(
    new_page: Callable[..., Page], answers: dict[str, Any]
) -> None:
    table = "| step | runs |\n|---|---|\n| `late` | 3 |"
    body = f"Step **late**, <b>x</b>:\n\n{table}\n\n- **Wait on**: no"
    answers["/api/dags/bands/runs/r1"]["questions"][0]["body"] = body
    page = new_page()
    open_view(page, PAGES["run"])
    question = page.get_by_role("region", name="A question for a person")
    expect(question.get_by_role("cell", name="late")).to_be_visible()
    expect(question.locator("strong", has_text="Wait on")).to_be_visible()
    expect(question).to_contain_text("<b>x</b>")
    assert question.locator("b").count() == 0
