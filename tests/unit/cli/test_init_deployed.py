"""Image and ``compose.yaml`` of a project fit together, to Airflow, and to our own image."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.configuration import conf

from dirac_prodsys.provider.hook import settings_from_extra

ROOT = Path(__file__).parents[3]

#: sections of providers that this environment need not have
PROVIDED = ("celery", "celery_broker_transport_options")


@pytest.fixture
def project(prodsys, tmp_path):
    assert prodsys("init", tmp_path / "project").exit_code == 0
    return tmp_path / "project"


@pytest.fixture
def compose(project):
    return yaml.safe_load((project / "compose.yaml").read_text())


def settings_of(dockerfile: Path) -> dict[str, str]:
    """The variables that the last stage of a Dockerfile sets."""
    text = dockerfile.read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("ENV ")]
    words = [word for line in lines for word in shlex.split(line.removeprefix("ENV "))]
    return dict(word.partition("=")[::2] for word in words)


def environment_of(compose: dict[str, Any]) -> dict[str, str]:
    return compose["services"]["scheduler"]["environment"]


def test_both_images_have_the_same_settings(project):
    ours = settings_of(ROOT / "Dockerfile")
    assert "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST" in ours
    assert settings_of(project / "Dockerfile") == ours


def test_every_setting_is_one_of_airflow(project, compose):
    for name in (*settings_of(project / "Dockerfile"), *environment_of(compose)):
        match = re.fullmatch(r"AIRFLOW__([A-Z_]+?)__([A-Z_]+?)(_CMD)?", name)
        if match is None:
            continue
        section, option, command = match[1].lower(), match[2].lower(), match[3]
        if section in PROVIDED:
            continue
        assert conf.configuration_description[section]["options"][option], name
        # Airflow runs commands for these options only
        assert not command or (section, option) in conf.sensitive_config_values, name


def test_every_secret_that_is_named_is_drawn(project, compose):
    drawn = {path.name for path in (project / "secrets").iterdir()}
    assert compose["secrets"] == {name: {"file": f"secrets/{name}"} for name in drawn}
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= drawn


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD",
            "postgresql+psycopg2://airflow:{postgres_password}@postgres/airflow",
        ),
        (
            "AIRFLOW__CELERY__RESULT_BACKEND_CMD",
            "db+postgresql://airflow:{postgres_password}@postgres/airflow",
        ),
        ("AIRFLOW__CELERY__BROKER_URL_CMD", "redis://:{redis_password}@redis:6379/0"),
        ("AIRFLOW__CORE__FERNET_KEY_CMD", "{fernet_key}"),
        ("AIRFLOW__API__SECRET_KEY_CMD", "{api_secret_key}"),
        ("AIRFLOW__API_AUTH__JWT_SECRET_CMD", "{jwt_secret}"),
        ("AIRFLOW__DIRAC_PRODSYS__LEDGER_SECRET_CMD", "{ledger_secret}"),
    ],
)
def test_a_setting_is_read_from_its_secret(project, compose, option, expected):
    command = environment_of(compose)[option].replace("$$", "$")
    command = command.replace("/run/secrets", str(project / "secrets"))
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True)
    drawn = {path.name: path.read_text() for path in (project / "secrets").iterdir()}
    assert done.stdout == expected.format(**drawn)


def test_no_secret_stands_in_a_file_that_is_committed(project):
    drawn = [path.read_text() for path in (project / "secrets").iterdir()]
    others = [p for p in project.rglob("*") if p.is_file() and p.parent.name != "secrets"]
    assert not [p for p in others for value in drawn if value.encode() in p.read_bytes()]


def test_its_connection_is_one_of_ours(compose):
    connection = json.loads(environment_of(compose)["AIRFLOW_CONN_DIRAC_DEFAULT"])
    assert connection["conn_type"] == "dirac"
    settings = settings_from_extra("dirac_default", json.dumps(connection["extra"]))
    mounted = [one.split(":")[1] for one in compose["services"]["worker"]["volumes"]]
    for path in (settings.config, settings.proxy, settings.ca_dir):
        assert str(Path(path).parent) in mounted


def test_every_service_that_stays_up_says_how_it_is(compose):
    services = compose["services"]
    staying = {name for name, one in services.items() if one["restart"] != "no"}
    assert staying == set(services) - {"init"}
    assert {name for name in staying if "test" not in services[name]["healthcheck"]} == set()
    assert {"api-server", "scheduler", "dag-processor", "triggerer", "worker"} < staying


def test_only_the_page_is_published_and_on_loopback_only(compose):
    published = {n: one["ports"] for n, one in compose["services"].items() if "ports" in one}
    assert published == {"api-server": ["127.0.0.1:8080:8080"]}


def test_what_must_outlive_a_container_is_on_a_volume(compose):
    kept = {
        one.split(":")[1]
        for service in compose["services"].values()
        for one in service["volumes"]
        if one.split(":")[0] in compose["volumes"]
    }
    assert {"/var/lib/postgresql/data", "/opt/airflow/bundles", "/opt/airflow/logs"} <= kept
