"""What the site allows is asked by the bundle, and again by each task that writes to the grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.provider.bundle.sources import SourceFolder
from dirac_prodsys.provider.operators import (
    DiracCompleteTransformationOperator,
    DiracCreateDatasetOperator,
    DiracCreateTransformationOperator,
    DiracFlushTransformationOperator,
    DiracStartTransformationOperator,
)
from dirac_prodsys.provider.tasks.gates import DiracGateSensor
from dirac_prodsys.provider.tasks.run_end import DiracEndRunOperator
from tests.unit.provider.conftest import TWO_STEPS, WriteSite

WRITERS = (
    DiracCreateTransformationOperator,
    DiracStartTransformationOperator,
    DiracFlushTransformationOperator,
    DiracCompleteTransformationOperator,
    DiracCreateDatasetOperator,
)

#: what ``two.yaml`` does, and no more
ENOUGH = (
    "connections: [dirac_default], vos: [sim, memory], types: [MCSimulation, Merging], "
    "operations: [], outputs: [/sim], datasets: [/sim/datasets], removals: []"
)


def do(act: type, production: Production, step: str, context: Any) -> Any:
    return act(task_id="t", production=production, step=step).work(context, {})


# -- the bundle -----------------------------------------------------------------------------------


def test_a_file_beyond_the_limits_is_an_import_error_of_that_file_alone(
    folder: Path, site_file: WriteSite
) -> None:
    site_file(ENOUGH)
    other = TWO_STEPS.replace("name: two", "name: other").replace(
        "vo: sim,", "vo: sim, connection: root_of_all,"
    )
    (folder / "other.yaml").write_text(other)
    found = {source.file: source for source in SourceFolder(folder, "productions").scan()}
    assert found["two.yaml"].production == "two"
    assert found["other.yaml"].error.startswith(
        "other.yaml:2:48: the site does not allow connection 'root_of_all' here"
    )
    assert "run-x" not in found["other.yaml"].error


def test_a_limit_that_is_written_later_is_seen_at_the_next_look(
    folder: Path, site_file: WriteSite
) -> None:
    site_file(ENOUGH)
    sources = SourceFolder(folder, "productions")
    before = sources.signatures()
    assert not sources.scan()[0].error
    site_file(ENOUGH.replace("[MCSimulation, Merging]", "[MCSimulation]"))
    assert sources.signatures() != before
    assert "transformation type 'Merging'" in sources.scan()[0].error
    site_file(ENOUGH)
    assert not sources.scan()[0].error


def test_without_a_site_file_all_that_was_allowed_is_allowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW__DIRAC_PRODSYS__SITE", raising=False)
    assert SourceFolder(folder, "productions").scan()[0].production == "two"


@pytest.mark.parametrize("spoil", ["absent", "wrong", "other bundle", "relative", "folder"])
def test_a_site_file_that_cannot_be_used_allows_no_file(
    folder: Path, site_file: WriteSite, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    path = site_file(ENOUGH)
    match spoil:
        case "absent":
            path.unlink()
        case "wrong":
            path.write_text("version: 1\nbundels: {}\n")
        case "other bundle":
            path.write_text("version: 1\nbundles: {others: {}}\n")
        case "relative":
            monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", "site.yaml")
        case "folder":
            path.unlink()
            path.mkdir()
    (source,) = SourceFolder(folder, "productions").scan()
    assert "site" in source.error
    assert not source.production


def test_a_site_file_that_an_author_can_write_is_not_used(
    folder: Path, site_file: WriteSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = folder / "_site.yml"
    site_file(ENOUGH).rename(inside)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", str(inside))
    assert "where authors write" in SourceFolder(folder, "productions").scan()[0].error
    # nor one that a link leads to, nor a link that leads out of the folder
    link = folder.parent / "link.yaml"
    link.symlink_to(inside)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", str(link))
    assert "where authors write" in SourceFolder(folder, "productions").scan()[0].error
    outside = folder.parent / "outside.yaml"
    inside.rename(outside)
    inside.symlink_to(outside)
    monkeypatch.setenv("AIRFLOW__DIRAC_PRODSYS__SITE", str(inside))
    assert "where authors write" in SourceFolder(folder, "productions").scan()[0].error


# -- the tasks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", WRITERS, ids=lambda act: act.__name__)
def test_a_task_that_writes_sends_nothing_that_the_site_does_not_allow(
    act: type,
    grid: MemoryGrid,
    gateway: MemoryGateway,
    running: Production,
    in_bundle: Any,
    site_file: WriteSite,
) -> None:
    site_file(ENOUGH.replace("outputs: [/sim]", "outputs: [/sim/elsewhere]"))
    before = {number: dict(t.row) for number, t in grid.transformations.items()}
    with pytest.raises(AirflowFailException, match="files are made in /sim"):
        do(act, running, "merge", in_bundle)
    assert {number: dict(t.row) for number, t in grid.transformations.items()} == before
    assert not grid.catalogue.datasets


def test_what_the_site_allows_is_created(
    grid: MemoryGrid, production: Production, in_bundle: Any, site_file: WriteSite
) -> None:
    site_file(ENOUGH)
    assert do(DiracCreateTransformationOperator, production, "make", in_bundle)["id"] == 1


def test_a_connection_of_another_vo_is_reported_by_the_grid(
    grid: MemoryGrid, production: Production, in_bundle: Any, site_file: WriteSite
) -> None:
    site_file("vos: [sim]")  # that of the production, and not of the connection, which says none
    with pytest.raises(AirflowFailException, match="the connection is of VO 'memory'"):
        do(DiracCreateTransformationOperator, production, "make", in_bundle)
    assert not grid.transformations


def test_the_connection_that_a_task_works_through_counts_whatever_its_file_says(
    grid: MemoryGrid, production: Production, in_bundle: Any, site_file: WriteSite
) -> None:
    site_file(ENOUGH)
    task = DiracCreateTransformationOperator(
        task_id="t", production=production, step="make", dirac_conn_id="root_of_all"
    )
    with pytest.raises(AirflowFailException, match="connection 'root_of_all'"):
        task.work(in_bundle, {})


def test_a_parameter_of_a_run_cannot_lead_beyond_the_limits(
    grid: MemoryGrid, in_bundle: Any, site_file: WriteSite
) -> None:
    text = TWO_STEPS.replace(
        "steps:\n", "parameters: {where: {type: string, default: ok}}\nsteps:\n", 1
    )
    text = text.replace("directory: /sim/", "directory: /sim/${{ parameters.where }}/")
    one = load_production(text, "two.yaml")
    site_file(ENOUGH.replace("outputs: [/sim]", "outputs: [/sim/ok]"))
    assert do(DiracCreateTransformationOperator, one, "make", in_bundle)["id"] == 1
    chosen = {**in_bundle, "params": {"where": "raw"}}
    with pytest.raises(AirflowFailException, match="files are made in /sim/raw"):
        do(DiracCreateTransformationOperator, one, "merge", chosen)
    assert len(grid.transformations) == 1


def test_a_task_that_does_not_know_its_bundle_is_allowed_what_the_star_says(
    grid: MemoryGrid, production: Production, context: Any, site_file: WriteSite
) -> None:
    path = site_file(ENOUGH)
    with pytest.raises(AirflowException, match="says nothing of the bundle"):
        do(DiracCreateTransformationOperator, production, "make", context)
    path.write_text("version: 1\nbundles: {'*': {}}\n")
    assert do(DiracCreateTransformationOperator, production, "make", context)["id"] == 1


def test_a_site_file_that_is_away_costs_a_try_and_not_the_run(
    grid: MemoryGrid, production: Production, in_bundle: Any, site_file: WriteSite
) -> None:
    site_file(ENOUGH).unlink()
    with pytest.raises(AirflowException, match="cannot be read") as away:
        do(DiracCreateTransformationOperator, production, "make", in_bundle)
    assert not isinstance(away.value, AirflowFailException)
    assert not grid.transformations


def test_a_gate_reads_only_what_the_site_allows(
    grid: MemoryGrid, in_bundle: Any, site_file: WriteSite
) -> None:
    waiting = TWO_STEPS.replace(
        "    group_size: 4\n", "    group_size: 4\n    wait_for: [{file: /sim/secret/key.json}]\n"
    )
    one = load_production(waiting, "two.yaml")
    site_file(ENOUGH + ", reads: [/sim/models]")
    with pytest.raises(AirflowFailException, match=r"reads /sim/secret/key\.json"):
        do(DiracGateSensor, one, "merge", in_bundle)
    site_file(ENOUGH + ", reads: [/sim/secret]")
    with pytest.raises(TaskDeferred):
        do(DiracGateSensor, one, "merge", in_bundle)


@pytest.fixture
def run_end(running: Production, monkeypatch: pytest.MonkeyPatch) -> DiracEndRunOperator:
    """The end of a run whose last step has failed, and which cleans then."""
    text = TWO_STEPS.replace("vo: sim,", "vo: sim, on_cancel: {action: clean, confirm: true},")
    failed = {"merge.wait_for_completion": "failed"}
    monkeypatch.setattr(DiracEndRunOperator, "_states", lambda self, context: failed)
    return DiracEndRunOperator(task_id="on_cancel", production=load_production(text, "two.yaml"))


def test_a_run_that_may_not_clean_any_more_is_stopped(
    run_end: DiracEndRunOperator, in_bundle: Any, site_file: WriteSite
) -> None:
    site_file(ENOUGH)
    assert set(run_end.work(in_bundle, {}).values()) == {"stop"}
    site_file(ENOUGH.replace("removals: []", "removals: [/sim]"))
    assert set(run_end.work(in_bundle, {}).values()) == {"clean"}


def test_a_clean_at_the_end_of_a_run_that_somebody_must_agree_to_is_a_stop(
    run_end: DiracEndRunOperator, in_bundle: Any, site_file: WriteSite
) -> None:
    site_file("").write_text(
        "version: 1\nremoval_approvals: {sim: {users: [ada], above_files: 3}}\n"
    )
    # six files were made, and one merged
    assert run_end.work(in_bundle, {}) == {"make": "stop", "merge": "clean"}


# -- people's actions -----------------------------------------------------------------------------

RULES = (
    "actions: [{users: [shifter], actions: [stop, resume]}, "
    "{users: [manager], actions: ['*'], productions: [two], connections: [dirac_default]}]"
)


@pytest.mark.parametrize(
    ("user", "action", "may"),
    [
        ("shifter", "stop", True),
        ("shifter", "complete", False),
        ("manager", "complete", True),
        ("somebody", "stop", False),
        (None, "stop", False),
    ],
)
def test_who_may_act_is_asked_before_anything_is_looked_at_and_before_it_is_done(
    ops: Any, grid: MemoryGrid, site_file: WriteSite, user: str | None, action: str, may: bool
) -> None:
    site_file("", RULES)
    run = ops(action, preview=False, reason="a test")
    run.context["dag_run"].triggering_user_name = user
    before = [t.status for t in grid.transformations.values()]
    if may:
        assert run.carry_out()["good"]
        assert [t.status for t in grid.transformations.values()] != before
        return
    with pytest.raises(AirflowFailException, match="may"):
        run.preview()
    # a preview that was written by hand
    site_file("")
    run.preview()
    site_file("", RULES)
    with pytest.raises(AirflowFailException, match="may"):
        run.act()
    assert [t.status for t in grid.transformations.values()] == before


def test_a_transformation_that_was_written_into_the_preview_is_not_acted_on(
    ops: Any, grid: MemoryGrid, gateway: MemoryGateway, site_file: WriteSite
) -> None:
    spec = gateway_spec(gateway)
    site_file("", RULES)
    run = ops("complete", preview=False, reason="a test")
    run.context["dag_run"].triggering_user_name = "manager"
    shown = run.preview()
    shown["rows"].append({**shown["rows"][0], "id": spec})
    run.ti.preview = shown
    with pytest.raises(AirflowFailException, match="somebody has changed its XCom"):
        run.act()
    assert grid.transformations[spec].status == "New"


def gateway_spec(gateway: MemoryGateway) -> int:
    """A transformation of another production."""
    others = load_production(TWO_STEPS.replace("two", "others"), "others.yaml")
    spec = compile(others, run="r1").step("make").transformation
    return gateway.create_transformation(spec).id


def test_a_site_file_that_cannot_be_used_lets_nobody_act(ops: Any, site_file: WriteSite) -> None:
    path = site_file("", RULES)
    path.write_text("actions: everything")
    with pytest.raises(AirflowFailException, match="cannot be used, and nothing is allowed"):
        ops("stop", preview=False).preview()


def test_cleaning_much_needs_who_may_agree_to_removals(
    ops: Any, grid: MemoryGrid, site_file: WriteSite
) -> None:
    site_file("", "removal_approvals: {memory: {users: [ada], above_files: 3}}")
    asked = {"preview": False, "run": "r1", "confirm": "two", "reason": "a test"}
    with pytest.raises(AirflowFailException, match="shifter may not clean two__r1__make"):
        ops("clean", **asked).preview()
    run = ops("clean", **asked)
    run.context["dag_run"].triggering_user_name = "ada"
    run.carry_out()
    assert grid.transformations[1].status == "Cleaning"
