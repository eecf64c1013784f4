"""What the production page says, as a person reads it, and what others say of the same."""

from __future__ import annotations

import re
from contextlib import closing
from typing import Any

import MySQLdb
from playwright.sync_api import Locator, Page

from dirac_prodsys.core.reports.summary.columns import sizes
from tests.e2e.ledger_commands import asked
from tests.e2e.site import Site

#: pairs of a term and what is said of it
_FACTS = """one => Object.fromEntries([...one.querySelectorAll("dt")].map(
    dt => [dt.innerText, dt.nextElementSibling.innerText]))"""


def facts(where: Locator) -> dict[str, str]:
    """Term → what the page says of it."""
    found: dict[str, str] = where.evaluate(_FACTS)
    return found


def page_says(page: Page, address: str, steps: list[str]) -> dict[str, Any]:
    """What the page says of a run and of each of its steps."""
    said: dict[str, Any] = {}
    page.goto(address)
    for step in steps:
        # in the graph; to load a page of Airflow takes seconds of CPU
        page.get_by_role("button", name=re.compile(f"^{step}, ")).first.click()
        panel = page.get_by_role("region", name=f"Step {step}")
        panel.get_by_text("Status in DIRAC").wait_for()
        own = facts(panel)
        said[step] = {
            "id": int(own["ID"].split()[0]),
            "name": own["Name"],
            "status": own["Status in DIRAC"],
            "files": _numbers(own["Files by DIRAC's status"]),
            "tasks": _numbers(own["Tasks by DIRAC's status"]),
        }
    whole = facts(page.locator(".dp-head"))
    said["run"] = {
        "state": whole["In DIRAC's ProductionSystem"],
        "steps": whole["Progress"].partition(" · ")[2],
        "percent": whole["Progress"].partition(" ")[0],
        "files": whole["Files"],
        "ends": whole["Done by"],
    }
    return said


def status_says(site: Site, production: str, run: str) -> dict[str, Any]:
    """What ``dirac-prodsys status --json`` says of the same, in the words of the page."""
    answer = asked(site, "status", production, "--run", run)
    said: dict[str, Any] = {
        row["step"]: {name: row[name] for name in ("id", "name", "status", "files", "tasks")}
        for row in answer["transformations"]
    }
    (one,) = answer["runs"]
    files, forecast = one["progress"]["files"], one["progress"]["forecast"]
    said["run"] = {
        "state": one["state"],
        "steps": f"{one['done']} of {one['steps']} steps",
        "percent": f"{one['progress']['fraction']:.0%}".removesuffix("%"),
        "files": f"{files['done']} of {files['total']} files",
        "ends": f"not known: {forecast['why']}",
    }
    return said


def catalogue_has(site: Site, folder: str) -> str:
    """What stands in the tables of the catalogue below a folder, in the words of the page."""
    with closing(
        MySQLdb.connect(unix_socket=str(site.grid.state.socket), user="root", db="FileCatalogDB")
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT COUNT(*), SUM(Size) FROM FC_Files JOIN FC_DirectoryLevelTree USING (DirID)"
            " WHERE DirName LIKE %s",
            (f"{folder}%",),
        )
        ((files, whole),) = cursor.fetchall()
    return f"{files} {'file' if files == 1 else 'files'}, {sizes([int(whole)])}"


def _numbers(text: str) -> dict[str, int]:
    return {status: int(number) for number, status in re.findall(r"(\d+) ([A-Z]\w+)", text)}
