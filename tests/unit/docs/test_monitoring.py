"""The files for Prometheus and Grafana name the metrics that there are, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from dirac_prodsys.core.reports.state_line import StateKind
from dirac_prodsys.provider.reporting.metrics import METRICS, PREFIX, STATES, Metric

DOCS = Path(__file__).parents[3] / "docs"
FILES = DOCS / "reference" / "monitoring"
REFERENCE = (DOCS / "reference" / "metrics.md").read_text()

#: what the name of a metric may end with in Prometheus, by its type
ENDS = {
    "gauge": ("",),
    "counter": ("_total",),
    "timer": ("_seconds_sum", "_seconds_count", "_milliseconds"),
}
#: name in Prometheus → metric
SERIES = {
    f"airflow_{PREFIX}_{metric.name}{end}": metric
    for metric in METRICS.values()
    for end in ENDS[metric.type]
}
ALERTS = yaml.safe_load((FILES / "alerts.yaml").read_text())
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())


def rules() -> list[dict[str, Any]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def test_the_table_of_the_reference_is_that_of_the_code() -> None:
    def row(metric: Metric) -> str:
        tags = ", ".join(f"`{tag}`" for tag in metric.tags)
        cells = (f"`{metric.name}`", metric.type, metric.unit, tags, metric.by, metric.about)
        return f"| {' | '.join(cells)} |"

    kept = [line for line in REFERENCE.splitlines() if line.startswith("| `") and "|" in line[3:]]
    rows = [line for line in kept if line.count("|") == 7]
    assert rows == [row(metric) for metric in METRICS.values()]
    states = [line.split("`")[1] for line in kept if line.count("|") == 3]
    assert states == list(STATES)


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_expression_asks_for_series_and_labels_that_there_are(expression: str) -> None:
    asked = re.findall(rf"airflow_{PREFIX}_\w+", expression)
    assert asked
    assert set(asked) <= SERIES.keys()
    labels = set(re.findall(r"(\w+)\s*=~?\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        labels |= set(group.replace(" ", "").split(","))
    for name in asked:
        assert labels <= set(SERIES[name].tags)
    for pair in ("()", "{}", "[]"):
        assert expression.count(pair[0]) == expression.count(pair[1])
    for state in re.findall(r"(?:waits|productions)\{[^}]*state=\"(\w+)\"", expression):
        assert state in STATES


def test_every_metric_stands_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for each in DASHBOARD["panels"] for target in each["targets"])
    missing = [name for name in METRICS if f"airflow_{PREFIX}_{name}" not in shown]
    assert missing == []


def test_every_alert_says_what_it_is_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "action", "runbook_url"}
        used = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        for name in re.findall(r"airflow_\w+", rule["expr"]):
            assert used <= set(SERIES[name].tags)


def test_the_alerts_that_are_tested_are_those_on_file() -> None:
    tests = yaml.safe_load((FILES / "alerts-test.yaml").read_text())
    by_name = {rule["alert"]: rule for rule in rules()}
    for test in tests["tests"]:
        for each in test["alert_rule_test"]:
            assert each["alertname"] in by_name
        for series in test["input_series"]:
            assert re.match(r"\w+", series["series"])[0] in SERIES


def test_the_mapping_of_statsd_makes_labels_of_the_parts_of_a_name() -> None:
    mapping = yaml.safe_load((FILES / "statsd-mapping.yaml").read_text())
    ends = {"gauge": "", "counter": "_total", "timer": "_seconds"}
    assert mapping["mappings"] == [
        {
            "match": f"airflow.{PREFIX}.{metric.name}" + ".*" * len(metric.tags),
            "name": f"airflow_{PREFIX}_{metric.name}{ends[metric.type]}",
            "labels": {tag: f"${number}" for number, tag in enumerate(metric.tags, 1)},
        }
        for metric in METRICS.values()
    ]


def test_every_state_of_a_wait_has_a_place_in_the_order() -> None:
    assert set(STATES) == set(get_args(StateKind))
