"""Describes this provider to Airflow, which reads it without importing any other module of it.

The entry point ``apache_airflow_provider`` of the installed package points here. From the plugins
folder alone (package not installed), operators, sensor and bundle work all the same. Only the
connection form, the asset scheme and the ``dirac`` entry of the list of connection types need the
entry point.
"""

from __future__ import annotations

from typing import Any

from dirac_prodsys import __version__


def _field(label: str, description: str, *, kind: str = "string") -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": [kind, "null"]}}


#: fields of the connection form; each name is a field of ``gateway.records.GatewaySettings``
CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "backend": _field(
        "Backend",
        "agent (a real grid, by a process of its own), dirac (a real grid, in each process) or "
        "memory (a grid in this process, for tests)",
    ),
    "config": _field(
        "Configuration",
        "Path of a DIRAC configuration file, or dips://host:port/Configuration/Server",
    ),
    "proxy": _field(
        "Proxy", "Path of the proxy file of a production group, kept fresh by the site"
    ),
    "group": _field("Group", "DIRAC group; empty: the group of the proxy"),
    "vo": _field("VO", "Virtual organisation; productions of another one are refused"),
    "ca_dir": _field("CA directory", "CA certificates; empty: as the DIRAC configuration says"),
    "timeout": _field("Timeout", "Seconds after which a call counts as an outage", kind="number"),
    "poll_interval": _field(
        "Poll interval", "Seconds between two looks at all waiting transformations", kind="number"
    ),
    "agent_cycle": _field(
        "Agent cycle", "Polling time of the grid's InputDataAgent, in seconds", kind="number"
    ),
    "registry": _field(
        "Registry", "Enter runs in DIRAC's ProductionSystem, for dirac-prod-get", kind="boolean"
    ),
    "dirac_python": _field(
        "Python of DIRAC", "With the backend agent: path of a Python that has DIRAC; empty: our own"
    ),
    "portal": _field(
        "Portal",
        "Address of the DIRAC web portal; may hold {id}, {name} and {group}",
    ),
    "job_portal": _field(
        "Job page", "Address of a job, with {id}; empty: the job monitor of the portal"
    ),
    "job_log": _field("Job log", "Address of the log of a job, with {id}; empty: no link"),
}


def _option(description: str, example: str | None = None, default: str = "") -> dict[str, Any]:
    return {
        "description": description,
        "version_added": "0.1.0",
        "type": "string",
        "example": example,
        "default": default,
    }


#: section of Airflow's configuration (``people/notify.py``, ``deployment/site.py``)
SECTION = "dirac_prodsys"
_OPTIONS: dict[str, dict[str, Any]] = {
    "site": _option(
        "Absolute path of the site's file: what authors may do, and who may act. The same for all "
        "components, and where no author can write.",
        "/etc/airflow/site.yaml",
    ),
    "notify_to": _option("Who receives notices about productions.", "shift@example.org"),
    "notify_on": _option("Kinds of notices; empty: all but flushed.", "stalled, given_up, failed"),
    "smtp_conn_id": _option(
        "Connection of the mail server; empty: that of [email].", "smtp_default"
    ),
    "webhook_conn_ids": _option(
        "Connections of chats that receive notices, too: Mattermost, Slack or Matrix.", "mattermost"
    ),
    "runbooks_url": _option(
        "Where people find what to do about a notice; {{name}} is filled in, or NAME.md appended. "
        "Empty: the page of productions shows it.",
        "https://docs.example.org/runbooks/{{name}}.html",
    ),
    "new_files": _option(
        "Folder of productions into which the page may write new files, by an absolute path on the "
        "API server. Empty: it may not.",
        "/opt/airflow/include/productions",
    ),
    "new_files_bundle": _option(
        "Dag bundle that serves this folder, by which the site's file knows what is allowed there.",
        "productions",
    ),
    "notifier": _option(
        "Instead of mail: a notifier class with its kwargs, or a list of them, as JSON.",
        '{{"class": "path.of.Notifier", "kwargs": {{"text": "{{subject}}"}}}}',
    ),
    "ledger": _option(
        "Where the ledger is, the lasting record of productions. airflow: in Airflow's own "
        "database; api: workers send records to the API server, which has the URL; off: nothing "
        "is recorded. Empty: where ledger_url says.",
        "airflow",
    ),
    "ledger_url": _option(
        "Database of the ledger: a URL of SQLAlchemy (SQLite or PostgreSQL). Empty: a SQLite file "
        "in Airflow's home.",
        "postgresql+psycopg2://ledger@db.example.org/ledger",
    )
    | {"sensitive": True},
    "ledger_spool": _option(
        "Folder in which records wait until they are delivered, on a disk that outlives the "
        "process. Empty: a folder in Airflow's home.",
        "/var/spool/dirac_prodsys",
    ),
    "summary_folder": _option(
        "Folder into which the summaries of datasets are written when a run ends, for a web server "
        "to publish: Markdown, HTML and JSON. By the last task of the run, or by the API server if "
        "workers send it their records. Empty: they are not written.",
        "/srv/www/productions",
    ),
    "ledger_secret": _option(
        "What workers show to the API server when they send it records; the same on both."
    )
    | {"sensitive": True},
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "dirac-prodsys",
        "name": "DIRAC productions",
        "description": "One production YAML becomes one Airflow DAG of DIRAC transformations.",
        "versions": [__version__],
        "connection-types": [
            {
                "connection-type": "dirac",
                "hook-class-name": "dirac_prodsys.provider.hook.DiracHook",
                "hook-name": "DIRAC",
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "schema", "login", "password", "port", "extra"],
                    "relabeling": {},
                    "placeholders": {
                        "backend": "dirac",
                        "timeout": "60",
                        "poll_interval": "30",
                        "agent_cycle": "120",
                    },
                },
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
        "config": {SECTION: {"description": "Productions of DIRAC.", "options": _OPTIONS}},
        "db-managers": ["dirac_prodsys.provider.reporting.db_manager.LedgerDBManager"],
        "extra-links": ["dirac_prodsys.provider.addresses.links.TransformationLink"],
        "asset-uris": [
            {
                "schemes": ["dirac"],
                "handler": "dirac_prodsys.provider.addresses.assets.sanitize_uri",
            }
        ],
    }
