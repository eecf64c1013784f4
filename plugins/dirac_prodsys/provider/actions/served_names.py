"""Lists our Dag bundles, and the names of the productions that they serve, for a form to offer.

The names come from file names: nothing is parsed, and no database is asked. The DAG with the form
changes when a production comes or goes, and not when one is edited or run.

Invariant: listing names never raises: a form without suggestions is better than none.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.dag_processing.bundles.base import get_bundle_base_folder

from dirac_prodsys.core import naming

log = logging.getLogger(__name__)

#: most names that a form offers: the first ones
MOST = 1000

#: the line in which a stub names its production
_STUB = re.compile(r"Airflow DAG of the production '([^'\\]*)'")


def productions_bundles() -> list[str]:
    """Return the names of the configured bundles that are ours, in order."""
    return [each["name"] for each in _configured() if _is_ours(each)]


def bundle_of(dags_file: str) -> str:
    """Return the name of the configured bundle that holds a DAG file; empty: none does."""
    parents = Path(dags_file).absolute().parents
    for bundle in _configured():
        if str(bundle["classpath"]).endswith(".LocalDagBundle"):
            folder = (bundle.get("kwargs") or {}).get("path")
            folder = folder or conf.get_mandatory_value("core", "dags_folder")
        else:
            folder = get_bundle_base_folder(bundle["name"])
        if Path(folder).absolute() in parents:
            return str(bundle["name"])
    return ""


def served_productions() -> list[str]:
    """Return the names of the productions that our bundles serve, in order."""
    found: set[str] = set()
    try:
        for name in productions_bundles():
            latest = get_bundle_base_folder(name) / "latest"
            found.update(_name(path) for path in latest.glob("*.yaml"))
    except Exception as error:
        log.warning("the form of actions offers no productions: %s", error)
        return []
    return sorted(found - {""})[:MOST]


def _configured() -> list[dict[str, Any]]:
    return conf.getjson("dag_processor", "dag_bundle_config_list") or []


def _is_ours(bundle: dict[str, Any]) -> bool:
    return str(bundle["classpath"]).endswith(".ProductionsDagBundle")


def _name(text: Path) -> str:
    """Return the name of the production with this text.

    The stub holds a name that cannot be a file name.
    """
    if not naming.looks_marked(text.stem):
        return text.stem
    try:
        with open(text.with_suffix(".py"), encoding="utf-8") as stub:
            match = _STUB.search(stub.readline())
    except OSError:
        return ""
    return match[1] if match is not None else ""
