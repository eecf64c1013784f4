"""A production is written on the page: checked, planned, and handed in where the site allows it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import dirac_prodsys
from dirac_prodsys.cli.new import TEMPLATES, template_text
from dirac_prodsys.core.dialects import DUMMY_RUN
from dirac_prodsys.core.reports.page.answers.draft import MOST
from dirac_prodsys.errors import Conflict
from dirac_prodsys.provider.page import drafts
from tests.unit.provider.page.conftest import As

TEXT = """\
version: 1
production: {name: fresh, vo: sim}
common: {directory: /sim/fresh, se: DISK-A-SE}
steps:
  make:
    type: MCSimulation
    tasks: 3
    job: {type: script, executable: simulate}
"""
OURS = {"X-Requested-With": "dirac-prodsys"}

Answers = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder into which the deployment lets the page write."""
    found = tmp_path / "productions"
    found.mkdir()
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NEW_FILES", str(found))
    return found


@pytest.fixture
def check(as_user: As) -> Callable[[str], Any]:
    """Returns what a viewer is answered about a text."""
    vera = as_user("vera")

    def ask(text: str) -> Any:
        answer = vera.post("/api/new/check", json={"text": text})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def hand_in(client: TestClient, text: str = TEXT, name: str = "fresh") -> Any:
    return client.post("/api/new/files", json={"name": name, "text": text})


def test_the_templates_are_those_of_the_command_line(as_user: As) -> None:
    answer = as_user("vera").get("/api/new").json()
    texts = {one["name"]: one["text"] for one in answer["templates"]}
    assert {name: texts[name] for name in TEMPLATES} == {
        name: template_text(name)[0] for name in TEMPLATES
    }
    assert "ctao" in texts


def test_every_template_is_found_to_be_good_and_has_a_plan(
    as_user: As, check: Callable[[str], Any]
) -> None:
    for one in as_user("vera").get("/api/new").json()["templates"]:
        found = check(one["text"].replace("@NAME@", "p").replace("@VO@", "sim"))
        assert not found["broken"], (one["name"], found["findings"])
        assert len(found["steps"]) == len(found["nodes"]) >= 1


def test_the_keys_lead_from_the_file_to_every_model(as_user: As) -> None:
    keys = as_user("vera").get("/api/new").json()["keys"]
    seen, queue = set(), ["File"]
    while queue:
        model = queue.pop()
        if model in seen:
            continue
        seen.add(model)
        queue += [row[way] for row in keys[model] for way in ("below", "entries") if row[way]]
    assert seen == set(keys)
    by_key = {row["key"]: row for row in keys["NativeStep"]}
    assert by_key["input"]["below"] == "Input"
    assert by_key["start"]["about"]


def test_findings_are_those_of_lint_with_their_places(
    check: Callable[[str], Any], tmp_path: Path
) -> None:
    from dirac_prodsys.cli.linting.many_files import check_file

    wrong = TEXT.replace("tasks: 3", "tasks: some").replace("executable", "executabel")
    file = tmp_path / "new.yaml"
    file.write_text(wrong)
    report, _ = check_file(file)
    found = check(wrong)
    assert found["broken"]
    assert found["words"] == "3 errors"
    assert [(one["line"], one["column"], one["message"]) for one in found["findings"]] == [
        (one.line, one.column, one.message) for one in report.findings
    ]
    assert found["steps"] == found["nodes"] == []


def test_the_plan_and_the_graph_are_those_of_a_run(check: Callable[[str], Any]) -> None:
    found = check(template_text("chain")[0].replace("@NAME@", "p").replace("@VO@", "sim"))
    ties = [(edge["parent"], edge["child"]) for edge in found["edges"]]
    assert ties == [("simulate", "process"), ("process", "merge")]
    assert [node["level"] for node in found["nodes"]] == [0, 1, 2]
    rows = {row["label"]: row["words"] for row in found["steps"][2]["rows"]}
    assert rows["transformation"] == "p__${{ run }}__merge"
    assert rows["dataset"].startswith("/sim/datasets/p_${{ run }}")
    assert DUMMY_RUN not in str(found)


def test_no_other_file_is_read_and_no_cwl(check: Callable[[str], Any], tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("/sim/secret-lfn\n")
    for name in (str(secret), "../../secret.txt"):
        found = check(f"extends: {name}\n{TEXT}")
        assert found["broken"]
        assert "secret-lfn" not in str(found)
    for text in ("cwlVersion: v1.2\nclass: Workflow\n", TEXT + "cwl: {file: a.cwl}\n"):
        (finding,) = check(text)["findings"]
        assert finding["message"] == "CWL is not read here: it needs its documents"


def test_checking_imports_no_cwl_library() -> None:
    program = (
        "import sys; from dirac_prodsys.provider.page.draft import draft\n"
        f"draft({TEXT!r}, 0.0); draft('cwlVersion: v1.2', 0.0)\n"
        "draft('steps: {a: {job: {type: cwl, file: x}}}', 0.0)\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in "
        "('cwl_utils', 'cwltool', 'schema_salad')]"
    )
    ours = {**os.environ, "PYTHONPATH": str(Path(dirac_prodsys.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300, env=ours)


@pytest.mark.parametrize(
    "text", ["", "\0", "[", "a: b", "- - -", "{}", "&a [*a]", "<graphml>", "x" * MOST]
)
def test_whatever_is_pasted_is_answered(check: Callable[[str], Any], text: str) -> None:
    found = check(text)
    assert found["broken"]
    assert found["findings"][0]["message"]


def test_what_is_too_large_is_refused_before_it_is_read(as_user: As) -> None:
    vera = as_user("vera")
    assert vera.post("/api/new/check", json={"text": "x" * (MOST + 1)}).status_code == 422
    assert vera.post("/api/new/check", json={"text": "x" * 1_000_001}).status_code == 413
    parts = iter([b'{"text": "', b'x"}'])
    assert vera.post("/api/new/check", content=parts).status_code == 413  # chunked: no length


def test_one_text_is_checked_at_a_time(as_user: As, monkeypatch: pytest.MonkeyPatch) -> None:
    vera = as_user("vera")
    monkeypatch.setattr(drafts, "_PATIENCE", 0.05)
    with drafts._CHECKING:
        answer = vera.post("/api/new/check", json={"text": TEXT})
    assert answer.status_code == 429
    assert "other texts" in answer.json()["detail"]
    assert vera.post("/api/new/check", json={"text": TEXT}).status_code == 200


def test_it_is_off_until_the_deployment_names_a_folder(as_user: As, tmp_path: Path) -> None:
    ada = as_user("ada")
    may = ada.get("/api/new").json()["hand_in"]
    assert may["allowed"] is False
    assert "download" in may["why_not"]
    assert hand_in(ada).status_code == 422


def test_a_new_file_is_written_whole_and_says_who(as_user: As, folder: Path) -> None:
    ulf = as_user("ulf")
    assert ulf.get("/api/new").json()["hand_in"] == {"allowed": True, "why_not": ""}
    answer = hand_in(ulf)
    assert answer.status_code == 201, answer.text
    assert answer.json()["file"] == "fresh.yaml"
    assert [path.name for path in folder.iterdir()] == ["fresh.yaml"]
    assert (folder / "fresh.yaml").read_text() == (
        f"{TEXT}# handed in on the page of productions by ulf\n"
    )


def test_no_file_is_ever_replaced(as_user: As, folder: Path) -> None:
    ulf = as_user("ulf")
    for name in ("fresh.yaml", "Fresh.YML", "fresh.graphml"):
        for path in folder.iterdir():
            path.unlink()
        (folder / name).write_text("mine")
        answer = hand_in(ulf)
        assert (answer.status_code, answer.json()["hint"]) == (409, "choose another name")
        assert [path.name for path in folder.iterdir()] == [name]
        assert (folder / name).read_text() == "mine"


def test_of_two_at_the_same_moment_one_writes(folder: Path) -> None:
    start = threading.Barrier(8)
    done: list[str] = []
    late: list[int] = []

    def write(number: int) -> None:
        start.wait()
        try:
            drafts._write(folder / "same.yaml", f"{number}" * 100_000)
            done.append(str(number))
        except Conflict:
            late.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(late)) == (1, 7)
    assert [path.name for path in folder.iterdir()] == ["same.yaml"]
    assert (folder / "same.yaml").read_text() == done[0] * 100_000


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", ".hidden", "a\\b", "a b", "x\0", "ä", "a" * 121, "-x"]
)
def test_a_name_is_a_plain_name(as_user: As, folder: Path, name: str) -> None:
    assert hand_in(as_user("ulf"), name=name).status_code == 422
    assert list(folder.iterdir()) == []


def test_what_has_mistakes_or_a_name_that_is_taken_is_refused(as_user: As, folder: Path) -> None:
    ulf = as_user("ulf")
    assert hand_in(ulf, TEXT.replace("tasks: 3", "tasks: x")).status_code == 422
    # the Dag ``bands`` is served
    assert hand_in(ulf, TEXT.replace("fresh", "bands")).status_code == 409
    assert list(folder.iterdir()) == []


def test_what_the_site_does_not_allow_is_refused(
    as_user: As, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("version: 1\nbundles:\n  productions: {vos: [other]}\n")
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", str(site))
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NEW_FILES_BUNDLE", "productions")
    answer = hand_in(as_user("ulf"))
    assert answer.status_code == 422, answer.text
    assert list(folder.iterdir()) == []


def test_teams_and_a_folder_that_is_not_there_are_said(
    as_user: As, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = as_user("ada")
    with monkeypatch.context() as teams:
        teams.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
        assert "teams" in ada.get("/api/new").json()["hand_in"]["why_not"]
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__NEW_FILES", "relative/path")
    assert "absolute" in ada.get("/api/new").json()["hand_in"]["why_not"]
    assert hand_in(ada).status_code == 422


def test_a_cookie_alone_hands_in_nothing(
    anonymous: TestClient, token: Callable[[str], str], folder: Path
) -> None:
    anonymous.cookies.set("_token", token("ulf"))
    assert hand_in(anonymous).status_code == 403
    anonymous.headers.update(OURS)
    assert hand_in(anonymous).status_code == 201


def test_a_runbook_has_its_three_parts(as_user: As) -> None:
    vera = as_user("vera")
    found = vera.get("/api/runbooks/given_up").json()
    assert found["title"].startswith("given_up: ")
    assert [part["title"] for part in found["parts"]] == [
        "What it means",
        "What to look at",
        "What to do",
    ]
    assert "](" not in str(found)
    for line in found["parts"][2]["text"].split("\n"):
        assert line.startswith("- ")
    for name in ("nothing", "..%2f..%2fREADME", "a.b"):
        assert vera.get(f"/api/runbooks/{name}").status_code == 404


def test_the_largest_text_takes_little_time(check: Callable[[str], Any]) -> None:
    step = "  s{}:\n    type: MCSimulation\n    tasks: 1\n    job: {{executable: x}}\n"
    many = TEXT + "".join(step.format(number) for number in range(900))
    begin = time.process_time()
    check(many)
    spent = time.process_time() - begin
    print(f"{spent:.1f} s for {len(many):,} characters")
    assert spent < 20
