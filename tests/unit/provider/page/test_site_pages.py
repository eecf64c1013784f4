"""Files with errors, the grid, the summary, two runs compared, static files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.errors import DefinitionErrors
from dirac_prodsys.ledger.store import Ledger
from dirac_prodsys.provider.page import static_files
from tests.unit.provider.page.scenario import NOW, TEXT

Get = Callable[..., Any]


@pytest.fixture
def faultless(airflow: None) -> Iterator[None]:
    """An Airflow without import errors, whichever test used its database before."""
    with create_session() as session:
        session.query(ParseImportError).delete()
    yield
    with create_session() as session:
        session.query(ParseImportError).delete()


@pytest.fixture
def broken(faultless: None) -> str:
    with pytest.raises(DefinitionErrors) as caught:
        load_production(TEXT.replace("group_size", "grup_size"), "broken.yaml")
    text = f"Traceback (most recent call last):\n  …\n{type(caught.value).__name__}: {caught.value}"
    with create_session() as session:
        session.add(
            ParseImportError(
                filename="broken.py", bundle_name="productions", stacktrace=text, timestamp=NOW
            )
        )
    return text


def test_a_mistake_has_its_place_line_caret_and_way_out(broken: str, get: Get) -> None:
    (error,) = get("/api/errors")["errors"]
    assert (error["file"], error["line"]) == ("broken.yaml", 15)
    assert "grup_size" in error["message"]
    assert error["source"][error["caret"].index("^") :].startswith("grup_size")
    assert "group_size" in error["hint"]
    assert error["text"] == broken


def test_without_a_mistake_the_page_says_so(faultless: None, get: Get) -> None:
    answer = get("/api/errors")
    assert (answer["errors"], answer["empty"]) == ([], "No file has an error.")


def test_the_summary_is_that_of_the_command_line(get: Get, vera: TestClient) -> None:
    page = get("/api/campaign", campaign="prod6")
    row = next(row for row in page["rows"] if row["dataset"] == "/sim/datasets/bands_r0")
    assert "1.2 GB" in row["cells"]
    csv = vera.get(f"{page['exports']['csv']}")
    assert csv.headers["content-type"].startswith("text/csv")
    assert "/sim/datasets/bands_r0" in csv.text
    for form in ("markdown", "json", "html"):
        assert "/sim/datasets/bands_r0" in vera.get(page["exports"][form]).text
    assert page["campaigns"] == ["prod6"]


def test_two_runs_are_compared(get: Get) -> None:
    runs = {"dag_id": "bands", "run": "r0", "with_dag_id": "bands", "with_run": "r1"}
    page = get("/api/compare", **runs)
    assert {line["name"] for line in page["definition"]} >= {"slices.transformation.tasks"}
    (slices,) = (line for line in page["steps"] if line["name"] == "slices")
    assert (slices["left"], slices["right"]) == (
        "10 of 10 tasks processed",
        "14 of 14 tasks processed",
    )


def test_the_page_of_the_grid_says_what_doctor_finds(
    get: Get, server: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    from dirac_prodsys.gateway import memory
    from dirac_prodsys.gateway.memory.grid import MemoryGrid

    extra = {"backend": "memory", "config": "page", "poll_interval": 30}
    connection = json.dumps({"conn_type": "dirac", "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_DIRAC_DEFAULT", connection)
    memory.register("page", MemoryGrid())
    first = get("/api/grid")
    assert first["checks"] == []
    assert first["verdict"] == "the checks are being made; this takes some seconds"
    (mounted,) = (
        one.app for one in server.routes if isinstance(getattr(one, "app", None), FastAPI)
    )
    mounted.state.checks.wait("dirac_default")
    page = get("/api/grid")
    memory.forget("page")
    assert page["answers"] is True
    assert len(page["checks"]) > 5
    assert page["verdict"].startswith(f"{page['wrong']} thing" if page["wrong"] else "nothing is")
    assert {one["name"] for one in page["components"]} >= {"scheduler", "triggerer"}


def test_scripts_have_their_type_and_a_mark_of_their_version(
    vera: TestClient, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "main.js").write_text("export const a = 1;\n")
    (tmp_path / "secret.js").write_text("no")
    monkeypatch.setattr(static_files, "FOLDER", tmp_path / "static")
    found = vera.get("/static/main.js")
    assert found.status_code == 200
    assert found.headers["content-type"] == "text/javascript; charset=utf-8"
    tag = found.headers["etag"]
    assert vera.get("/static/main.js", headers={"If-None-Match": tag}).status_code == 304
    (tmp_path / "static" / "main.js").write_text("export const a = 22;\n")
    assert vera.get("/static/main.js", headers={"If-None-Match": tag}).status_code == 200
    for path in ("..%2Fsecret.js", "/etc/passwd", "none.js", "main.py", "%00.js"):
        assert vera.get(f"/static/{path}").status_code == 404


def test_the_ledger_may_be_away(
    get: Get, vera: TestClient, told: Ledger, keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dirac_prodsys.errors import LedgerUnavailable

    before = get("/api/productions")["rows"]
    get("/api/dags/bands/runs/r1")

    asked = 0

    def away(*_: Any) -> Any:
        nonlocal asked
        asked += 1
        raise LedgerUnavailable("the ledger does not answer: disk full")

    monkeypatch.setattr(Ledger, "rows", away)
    later = NOW.timestamp() + 300
    monkeypatch.setattr(keeper, "clock", lambda: later)
    answer = get("/api/productions")
    assert [row["key"] for row in answer["rows"]] == [row["key"] for row in before]
    ledger = answer["sources"]["ledger"]
    assert (ledger["stale"], ledger["words"]) == (True, "5 min old")
    assert "disk full" in ledger["why"]
    before_viewers = asked
    page = get("/api/dags/bands/runs/r1")
    assert page["comments"]
    assert vera.get("/api/campaign").status_code == 503
    assert asked == before_viewers, "each viewer waits until it says no"
