"""``compose.yaml`` and the Helm values of a project are what their schemas allow."""

from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import validator_for

import dirac_prodsys.cli.init as command

ROOT = Path(__file__).parents[3]
PROJECT = Path(command.__file__).parent / "project"
#: files of a project that have a schema
FILES = ("compose.yaml", "helm-values.yaml")


def schema_of(file: str) -> dict[str, Any]:
    """Compose's own schema, as the package check-jsonschema brings it; ours for the values."""
    if file == "compose.yaml":
        package = importlib.metadata.distribution("check-jsonschema")
        place = package.locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
        text = Path(str(place)).read_text()
    else:
        text = Path(__file__).with_name("helm_values.schema.yaml").read_text()
    schema: dict[str, Any] = yaml.safe_load(text)
    return schema


def mistakes(file: str, content: dict[str, Any]) -> list[str]:
    """What a file says that its schema does not allow."""
    schema = schema_of(file)
    errors = validator_for(schema)(schema).iter_errors(content)
    return [f"{error.json_path}: {error.message}" for error in errors]


@pytest.fixture
def contents() -> dict[str, dict[str, Any]]:
    """File → what it holds, as ``init`` lays it out."""
    return {file: yaml.safe_load((PROJECT / file).read_text()) for file in FILES}


@pytest.mark.parametrize("file", FILES)
def test_it_is_what_its_schema_allows(contents, file):
    assert mistakes(file, contents[file]) == []


@pytest.mark.parametrize("file", FILES)
def test_the_schema_is_one_itself(file):
    schema = schema_of(file)
    validator_for(schema).check_schema(schema)


@pytest.mark.parametrize(
    ("file", "place", "value"),
    [
        ("compose.yaml", "services.scheduler.comand", "airflow scheduler"),
        ("compose.yaml", "services.worker.healthcheck.intervall", "30s"),
        ("compose.yaml", "services.postgres.depends_on", {"redis": {"condition": "healthy"}}),
        ("compose.yaml", "secret", {}),
        ("helm-values.yaml", "triggererr", {}),
        ("helm-values.yaml", "scheduler.args", "airflow scheduler"),
        ("helm-values.yaml", "workers.args", ["airflow", "celery", "worker"]),
        ("helm-values.yaml", "triggerer.env", [{"name": "AIRFLOW_HOME", "vaule": "/"}]),
        ("helm-values.yaml", "dagProcessor.extraVolumes", [{"name": "bundles"}]),
    ],
)
def test_a_mistake_is_found(contents, file, place, value):
    changed = contents[file]
    *above, last = place.split(".")
    inner = changed
    for key in above:
        inner = inner[key]
    inner[last] = value
    assert mistakes(file, changed) != []


def test_what_the_values_need_in_the_cluster_is_described(contents):
    needed = set(re.findall(r"\bproductions-[a-z]+", json.dumps(contents["helm-values.yaml"])))
    assert "productions-keys" in needed
    described = (ROOT / "docs" / "how-to" / "operate.md").read_text()
    assert {name for name in needed if f"`{name}`" not in described} == set()
