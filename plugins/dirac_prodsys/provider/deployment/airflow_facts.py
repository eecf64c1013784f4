"""Reads the facts of this Airflow that doctor looks at: ``python -m …airflow_facts [CONNECTION]``.

The command line imports no Airflow. It runs this file in a process of its own, in the environment
in which it was started itself, and reads one line of JSON:
``{"facts": AirflowFacts, "settings": {…} or null}``.

Invariant: read-only. No secret is printed: of secrets only where they come from, of the database
only its kind, of the connection the fields of ``GatewaySettings``, which hold none.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from airflow import __version__
from airflow.sdk.configuration import conf

from dirac_prodsys.core.doctor.airflow_settings import FERNET, JWT, OPTIONS
from dirac_prodsys.core.doctor.facts import AirflowFacts, Bundle, Missing
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.deployment.site import site
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.people.notify import why_not_sent

#: module of the bundles of productions
_OURS = "dirac_prodsys.provider.bundle"
#: name of our plugin
_PLUGIN = "dirac_prodsys"
#: DAG file that serves the productions where no bundle is configured
_PLAIN = "productions.py"


def airflow_facts(connection: str) -> tuple[AirflowFacts, GatewaySettings | None]:
    """Return the facts of this Airflow, and the settings of a connection, if it can be used.

    :param connection: its ID.
    """
    settings, problem = _settings(connection)
    options = {option: _option(option) for option in OPTIONS}
    options["database/sql_alchemy_conn"] = options["database/sql_alchemy_conn"].partition(":")[0]
    bundles = _bundles()
    facts = AirflowFacts(
        version=__version__,
        options=options,
        secrets={option: _source(option) for option in (JWT, FERNET)},
        bundles=bundles,
        storage=_storage(),
        loaded_twice=_loaded_twice(),
        plain=Path(_option("core/dags_folder"), _PLAIN).is_file(),
        provider=_knows_connection_type(),
        plugin=_has_plugin(),
        connection=problem,
        site=_site(bundles),
        notices=why_not_sent(),
    )
    return facts, settings


def _option(option: str) -> str:
    section, _, name = option.partition("/")
    return str(conf.get(section, name, fallback="") or "").strip()


def _source(option: str) -> str:
    """Return where a secret comes from; the secret itself is not looked at."""
    section, _, name = option.partition("/")
    variable = f"AIRFLOW__{section}__{name}".upper()
    for suffix in ("", "_CMD", "_SECRET"):
        if variable + suffix in os.environ:
            return "environment" if os.environ[variable + suffix] else "empty"
    shown = conf.as_dict(display_source=True, display_sensitive=False)
    value, where = shown[section][name]
    if not value:
        return "empty"
    return "file" if "cfg" in str(where) else "default"


def _settings(connection: str) -> tuple[GatewaySettings | None, str]:
    try:
        return DiracHook(connection).settings(), ""
    except ProdsysError as error:
        return None, error.reason
    except Exception as error:  # whatever a secrets backend raises
        return None, f"connection {connection!r} cannot be read: {type(error).__name__}: {error}"


def _bundles() -> tuple[Bundle, ...] | Missing:
    try:
        listed = conf.getjson("dag_processor", "dag_bundle_config_list", fallback=[])
        return tuple(_bundle(entry) for entry in listed or ())
    except Exception as error:
        return Missing(f"it is no list of bundles: {type(error).__name__}: {error}")


def _bundle(entry: Mapping[str, Any]) -> Bundle:
    name, kwargs = str(entry["name"]), entry.get("kwargs") or {}
    if not str(entry["classpath"]).startswith(f"{_OURS}."):
        return Bundle(name)
    folder = str(kwargs.get("productions") or "")
    return Bundle(name, ours=True, folder=folder, trouble=_unreadable(folder))


def _unreadable(folder: str) -> str:
    if not folder:
        return "is not named: kwargs have no productions"
    path = Path(folder).expanduser()
    if not path.is_absolute():
        return "is not an absolute path"
    if not path.is_dir():
        return "is no folder on this machine"
    return "" if os.access(path, os.R_OK | os.X_OK) else "cannot be read by this user"


def _storage() -> str:
    written = _option("dag_processor/dag_bundle_storage_path")
    if not written:
        return f"is not set: snapshots are below {tempfile.gettempdir()}, and vanish"
    path = Path(written).expanduser()
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        return ""
    return f"is {written}, where this user cannot write"


def _loaded_twice() -> bool:
    plugins = Path(_option("core/plugins_folder"))
    package = plugins / "dirac_prodsys" / "__init__.py"
    return package.is_file() and not (plugins / ".airflowignore").is_file()


def _knows_connection_type() -> bool:
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    return DiracHook.conn_type in ProvidersManagerTaskRuntime().hooks


def _has_plugin() -> bool:
    from airflow.plugins_manager import get_plugin_info

    return _PLUGIN in {plugin["name"] for plugin in get_plugin_info(["name"])}


def _site(bundles: tuple[Bundle, ...] | Missing) -> str:
    """Return why the site's file cannot be used; empty if it can, or if there is none."""
    ours = [] if isinstance(bundles, Missing) else [one for one in bundles if one.ours]
    try:
        found = site()
        for bundle in ours:
            site(Path(bundle.folder).expanduser())
            if found is not None:
                found.limits(bundle.name)
    except ProdsysError as error:
        return error.reason
    return ""


def main() -> None:
    connection = sys.argv[1] if len(sys.argv) > 1 else DiracHook.default_conn_name
    facts, settings = airflow_facts(connection)
    given = None if settings is None else asdict(settings)
    print(json.dumps({"facts": asdict(facts), "settings": given}), flush=True)


if __name__ == "__main__":
    main()
