"""Lists examples of the subcommands, shown below their help; a test parses each of them.

Invariant: every subcommand that takes something has one.
"""

from __future__ import annotations

_FILE = "include/productions/bands.yaml"

EXAMPLES: dict[str, tuple[str, ...]] = {
    "init": ("init productions --vo sim",),
    "new": ("new bands --template chain --vo sim",),
    "lint": (
        "lint include/productions",
        f"lint {_FILE} --verbose",
        "lint include/productions --format sarif",
        f"lint {_FILE} --live --run night-7",
        "lint include/productions --site docs/reference/site.yaml --bundle productions",
    ),
    "plan": (
        f"plan {_FILE}",
        f"plan {_FILE} --verbose",
        f"plan {_FILE} --parameters tasks=20 --json",
        f"plan {_FILE} --live --run night-7",
    ),
    "graph": (f"graph {_FILE}", f"graph {_FILE} --format svg"),
    "explain": (f"explain {_FILE} merge",),
    "rehearse": (f"rehearse {_FILE} --tasks 4",),
    "diff": (
        f"diff before.yaml {_FILE}",
        f"diff {_FILE} --live --run night-7",
    ),
    "convert": (f"convert {_FILE} --to graphml", "convert gammas.yml --to yaml"),
    "schema": (
        "schema",
        "schema --install",
        "schema --install include/productions",
        "schema --format markdown",
        "schema --of site",
    ),
    "runs": ("runs", "runs bands 'gamma*'", "runs bands --airflow https://airflow.example.org"),
    "status": (
        "status bands",
        "status bands --run manual__2026-11-29T10:00:00+00:00 --step merge",
        "status 'bands__night-*__merge'",
        f"status --file {_FILE} --run night-7 --watch",
    ),
    "report": (f"report --file {_FILE} --run night-7 --html report.html",),
    "summary": (
        "summary",
        "summary bands --format markdown",
        "summary --campaign spring --format html --output summary.html",
    ),
    "check": (f"check --file {_FILE} --run night-7",),
    "history list": ("history list", "history list bands --since '90 days' --json"),
    "history show": ("history show bands --run night-7",),
    "history export": ("history export bands --format csv --output bands.csv",),
    "history comment": ("history comment /sim/datasets/bands_r1 'one site lost files'",),
    "history provenance": (
        "history provenance bands --run night-7 --output bands.json",
        "history provenance bands --format ro-crate --output bands-crate --files list.json",
    ),
    "history import": (
        "history import 1041 'Prod6_*'",
        "history import --production prod6_paranal --datasets /sim/datasets",
    ),
    "history sweep": ("history sweep", "history sweep --new --json"),
    "history prune": ("history prune --before '400 days' --thin",),
    "history deliver": ("history deliver",),
    "datasets list": ("datasets list", "datasets list 'bands_*' --folder /sim/datasets"),
    "datasets show": (
        "datasets show bands_night-7",
        "datasets show /sim/datasets/bands_night-7 --files --json",
    ),
    "datasets verify": (
        "datasets verify bands_night-7",
        "datasets verify bands_night-7 --list bands.json",
    ),
    "datasets split": (
        "datasets split bands_night-7 train=8 test=2 --preview",
        "datasets split bands_night-7 train=8 test=2 --by runNumber --yes",
    ),
    "datasets retire": ("datasets retire bands_night-7 --folder include/productions",),
    "doctor": (
        "doctor",
        "doctor include/productions --verbose",
        "doctor --connection dirac_default --airflow https://airflow.example.org",
        "doctor --only grid --json",
    ),
}


def epilog(command: str) -> str:
    """Return the text below the help of a subcommand."""
    lines = [f"dirac-prodsys {line}" for line in EXAMPLES[command]]
    return "\n\n".join(["Examples:" if len(lines) > 1 else "Example:", *lines])
