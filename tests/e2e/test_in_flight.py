"""A YAML that breaks, or changes, while runs of it wait."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.site import Site
from tests.patience import until


def errors_by_name(site: Site) -> dict[str, str]:
    return {Path(file).name: text for file, text in site.rest.import_errors().items()}


def test_a_broken_yaml_is_an_error_of_its_own_and_every_run_goes_on(site: Site) -> None:
    good = site.drop("flight", site.gated("first"))
    site.drop("bystander", site.quick("only"))
    site.begin("flight", "old-1")
    site.begin("flight", "old-2")
    site.waiting("flight", "old-1", "first.wait_for_completion")
    site.waiting("flight", "old-2", "first.wait_for_completion")

    text = good.read_text()
    line = text.splitlines().index("    tasks: 1") + 1
    good.write_text(text.replace("tasks: 1", "tusks: 1"))
    found = until("the import error", 60, lambda: errors_by_name(site))

    assert len(found) == 1
    ((file, message),) = found.items()
    assert file.startswith("flight")
    assert message.startswith(f"flight.yaml:{line}:5: "), message
    assert "tusks" in message
    assert site.rest.dags()["flight"]["is_stale"] is False

    # while it is broken: a waiting run ends, and so does another production from its beginning
    site.open_gate("flight", "old-1")
    site.succeeds("flight", "old-1")
    site.begin("bystander", "beside")
    site.succeeds("bystander", "beside")
    assert errors_by_name(site) == found

    # mended with a new step: the next run has it, the run that waits keeps its graph
    site.drop("flight", site.gated("first"), site.quick("second"))
    site.known("flight", "second.wait_for_completion")
    until("the error is gone", 60, lambda: not errors_by_name(site))
    site.open_gate("flight", "new")
    site.begin("flight", "new")
    site.succeeds("flight", "new")
    assert "second.complete" in site.states("flight", "new")
    assert site.states("flight", "old-2")["first.wait_for_completion"] == "deferred"
    site.open_gate("flight", "old-2")
    site.succeeds("flight", "old-2")

    for run_id in ("old-1", "old-2"):
        assert not any(task.startswith("second") for task in site.states("flight", run_id))
        assert site.rows("flight", run_id, "second") == []
    assert [status for _id, status in site.rows("flight", "new", "second")] == ["Completed"]


def test_a_dropped_yaml_becomes_a_dag_and_an_edit_a_new_version(site: Site) -> None:
    site.drop("dropped", site.quick("one"))
    site.known("dropped", "one.complete", seconds=30)
    site.begin("dropped", "before")
    site.succeeds("dropped", "before")

    site.drop("dropped", site.quick("one"), site.quick("two"))
    site.known("dropped", "two.complete", seconds=30)
    assert [version["version_number"] for version in site.rest.versions("dropped")] == [1, 2]
