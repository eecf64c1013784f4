"""``dirac-prodsys doctor`` beside a whole site: silent while all is well, and one that is not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.e2e.site import Site
from tests.patience import patience, until

#: what is true of this site: SQLite, and a connection that expects faster agents than it has
_KNOWN = {"airflow-database", "agent-cycle"}


def doctor(site: Site) -> tuple[int, dict[str, str]]:
    """Run it as an operator does where the scheduler runs; the code, and what was found."""
    code = "from dirac_prodsys.cli.main import app; app()"
    options = ["--connection", "dirac_default", "--airflow", site.stack.url, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor", str(site.productions), *options],
        env=site.stack.env(),
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    diagnoses: list[dict[str, Any]] = json.loads(done.stdout)["diagnoses"]
    found = {
        one["code"]: one["what"]
        for one in diagnoses
        if one["outcome"] in ("found", "no answer") and one["severity"] != "note"
    }
    return done.returncode, found


def test_a_site_that_works_is_met_with_silence(site: Site) -> None:
    code, found = doctor(site)
    assert (code, set(found)) == (0, _KNOWN), found


def test_a_triggerer_that_stands_still_stops_productions(site: Site) -> None:
    with site.stack.frozen("triggerer"):
        until(
            "the triggerer's heartbeat is missed",
            60,
            lambda: "airflow-components" in doctor(site)[1],
        )
        code, found = doctor(site)
    assert code == 1
    assert "triggerer is unhealthy" in found["airflow-components"]
