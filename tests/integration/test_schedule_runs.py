"""Productions that begin each other's runs: Airflow's scheduler and assets, a grid in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.triggers.base import TriggerEvent
from airflow.triggers.shared_stream import SharedStreamManager

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.core.naming import RETIRED
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from tests.catalogue_looks import Looks, counted
from tests.integration.dag_runs import completed, result, states
from tests.integration.dag_test import answered, run_dag
from tests.patience import patience, until

FIRST = """
version: 1
production: {name: first, vo: sim}
steps:
  make:
    type: MCSimulation
    tasks: 3
    job: {type: script, executable: make}
    output:
      directory: /sim/first/${{ run }}/make
      se: DISK-A-SE
      metadata: {production: first, run: "${{ run }}", step: make}
      files: ["made_@{JOB_ID}"]
    dataset: {name: "/sim/datasets/first_${{ run }}"}
"""

NEXT = """
version: 1
production: {name: %(name)s, vo: sim}
schedule:
  assets: {production: %(before)s, step: %(step)s}
  parameters_from_event: {source: dataset}
parameters:
  source: {type: string}
steps:
  merge:
    type: Merging
    group_size: 2
    input: {dataset: "${{ parameters.source }}"}
    job: {type: script, executable: merge}
    output:
      directory: /sim/%(name)s/${{ run }}/merge
      se: DISK-A-SE
      metadata: {production: %(name)s, run: "${{ run }}", step: merge}
      files: ["merged_@{JOB_ID}"]
    dataset: {name: "/sim/datasets/%(name)s_${{ run }}"}
"""

NIGHT = """
version: 1
production: {name: night, vo: sim}
schedule:
  files: {where: {step: raw}, each: obs_id}
  catchup: true
  parameters_from_event: {observation: obs_id}
parameters:
  observation: {type: int}
steps:
  calibrate:
    type: DataReprocessing
    group_size: 2
    input: {where: {step: raw, obs_id: "${{ parameters.observation }}"}}
    job: {type: script, executable: calibrate}
    output:
      directory: /sim/night/${{ run }}/calibrate
      se: DISK-A-SE
      metadata: {production: night, run: "${{ run }}", step: calibrate}
      files: ["cal_@{JOB_ID}"]
    dataset: {name: "/sim/datasets/night_${{ run }}"}
"""

Serve = Callable[..., dict[str, Any]]


@pytest.fixture
def serve(grid: MemoryGrid, airflow_database: Path, productions_folder: Path) -> Serve:
    """Puts production files into the folder, and their DAGs into Airflow's database."""

    def put(**texts: str) -> dict[str, Any]:
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

        for name, text in texts.items():
            (productions_folder / f"{name}.yaml").write_text(text)
        manager = DagBundlesManager()
        manager.sync_bundles_to_db()
        bundle = manager.get_bundle("productions")
        bundle.initialize()
        bag = BundleDagBag(
            dag_folder=bundle.path, bundle_path=bundle.path, bundle_name="productions"
        )
        assert bag.import_errors == {}, bag.import_errors

        def stored() -> bool:
            # as the DAG processor does at each parse
            sync_bag_to_db(bag, "productions", None)
            return watchers_are_stored(set(texts))

        until("what watches for these productions", 60, stored, each=0.5)
        made = {
            name: dag
            for name, dag in bag.dags.items()
            if name != DAG_ID and RETIRED not in dag.tags
        }
        for dag in made.values():
            for task in dag.tasks:
                task.retry_delay = task.max_retry_delay = task.retry_delay * 0
        return made

    return put


def watchers_are_stored(productions: set[str]) -> bool:
    """Whether Airflow has a trigger for each asset that watches for one of these."""
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    names = {f"{name}.+files" for name in productions}
    with create_session() as session:
        watched = session.scalars(select(AssetModel).where(AssetModel.name.in_(names)))
        return all(bool(model.triggers) != paused(session, model) for model in watched)


def paused(session: Any, model: Any) -> bool:
    """Whether the DAG that an asset watches for is paused: then nothing is to watch."""
    from airflow.models.dag import DagModel

    return bool(session.get(DagModel, model.name.partition(".")[0]).is_paused)


def scheduled() -> list[Any]:
    """Let Airflow's scheduler look at its assets once; returns the runs that have not begun."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.utils.session import create_session

    with create_session() as session:
        job = Job()
        session.add(job)
        session.flush()
        SchedulerJobRunner(job)._create_dagruns_for_dags(_Guard(session), session)
    return queued()


def queued() -> list[Any]:
    """The runs in Airflow's database that have not begun."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(DagRun).where(DagRun.state == "queued").order_by(DagRun.id))
        return [(run.dag_id, run.run_id) for run in found]


class _Guard:
    """In place of the lock that two schedulers share."""

    def __init__(self, session: Any) -> None:
        self.commit = session.commit


def go(dag: Any, run_id: str) -> Any:
    """Run a run that Airflow has made, as far as it goes."""
    from airflow.models import dagrun
    from sqlalchemy import select

    def existing(*, session: Any, **_given: Any) -> Any:
        run = session.scalar(
            select(dagrun.DagRun).where(
                dagrun.DagRun.dag_id == dag.dag_id, dagrun.DagRun.run_id == run_id
            )
        )
        run.state = "running"
        run.dag = _given["dag"]
        session.flush()
        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dagrun, "get_or_create_dagrun", existing)
        return run_dag(dag)


def test_three_productions_run_from_one_trigger_to_the_last_dataset(
    serve: Serve, grid: MemoryGrid
) -> None:
    dags = serve(
        first=FIRST,
        second=NEXT % {"name": "second", "before": "first", "step": "make"},
        third=NEXT % {"name": "third", "before": "second", "step": "merge"},
    )
    assert completed(run_dag(dags["first"]))
    for name, files in (("second", 2), ("third", 1)):
        ((_, run_id),) = scheduled()
        assert go(dags[name], run_id).state == "success"
        ((dag_id, triggered),) = scheduled()
        assert dag_id == name
        run = go(dags[name], triggered)
        assert completed(run), states(run)
        assert result(run, "merge.create_dataset")["files"] == files
    assert scheduled() == []
    assert [len(t.files) for t in grid.transformations.values()] == [0, 3, 2]


def test_a_dataset_of_a_known_path_begins_a_run(serve: Serve, grid: MemoryGrid) -> None:
    path = "/sim/datasets/masks"
    taker = NEXT % {"name": "taker", "before": "x", "step": "y"}
    maker = FIRST.replace("/sim/datasets/first_${{ run }}", path).replace("first", "maker")
    dags = serve(
        maker=maker, taker=taker.replace("{production: x, step: y}", f"{{dataset: {path}}}")
    )
    assert completed(run_dag(dags["maker"]))
    ((_, run_id),) = scheduled()
    assert go(dags["taker"], run_id).state == "success"
    ((dag_id, triggered),) = scheduled()
    assert dag_id == "taker"
    run = go(dags["taker"], triggered)
    assert completed(run), states(run)
    assert result(run, "prepare.begin")["parameters"] == {"source": path}


def test_new_files_begin_a_run_for_each_observation(serve: Serve, grid: MemoryGrid) -> None:
    from airflow.models.trigger import Trigger

    grid.catalogue.file_fields["obs_id"] = "INT"
    for obs_id, files in ((120, 3), (121, 1)):
        for number in range(files):
            grid.catalogue.register(f"/sim/raw/{obs_id}/{number}", step="raw", obs_id=obs_id)
    dags = serve(night=NIGHT)
    number, sent = watched("night.+files", 2)
    assert observed(dags["night"]) == [120, 121]
    assert sorted(len(t.files) for t in grid.transformations.values()) == [1, 3]
    # what was taken is remembered by the next triggerer
    assert watched("night.+files", 0) == (number, [])
    # one is sent again all the same: a triggerer died before it wrote down what it had sent
    Trigger.submit_event(number, sent[1])
    assert observed(dags["night"]) == []
    assert len(grid.transformations) == 2


def observed(dag: Any) -> list[int]:
    """Let Airflow begin a run, and run that and what it triggers; returns the observations.

    Airflow takes the first of two events for the run, and would leave the other for later.
    """
    ((_, run_id),) = scheduled()
    first = go(dag, run_id)
    assert first.state == "success"
    assert set(states(first).values()) == {"skipped"}
    found = []
    for _, triggered in scheduled():
        run = go(dag, triggered)
        assert completed(run), states(run)
        assert triggered.startswith("event-")
        found.append(result(run, "prepare.begin")["parameters"]["observation"])
    return sorted(found)


def watched(asset: str, most: int) -> tuple[int, list[TriggerEvent]]:
    """Run the watcher of an asset as a triggerer does, until Airflow has stored so many events.

    Then it looks a few times more. Returns its ID in Airflow's database, and the events.
    """
    from airflow._shared.module_loading import import_string
    from airflow.models.asset import AssetModel
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        model = session.scalar(select(AssetModel).where(AssetModel.name == asset))
        (stored,) = model.triggers
        watcher = import_string(stored.classpath)(**{**stored.kwargs, "look_every": 0.05})
        number = stored.id
    sent: list[TriggerEvent] = []

    async def watch() -> None:
        manager, key = SharedStreamManager(log=logging.getLogger()), watcher.shared_stream_key()
        try:
            raw = manager.subscribe(trigger_id=number, trigger=watcher, key=key)
            async for event in watcher.filter_shared_stream(raw):
                confirmed = manager.bind_pending_event(trigger_id=number, key=key)
                Trigger.submit_event(number, event)
                sent.append(event)
                asyncio.get_running_loop().call_soon(manager.confirm_persisted, [confirmed])
        finally:
            await manager.stop_all()

    async def some(looks: Looks) -> None:
        watching = asyncio.ensure_future(watch())
        async with asyncio.timeout(patience(30)):
            while len(sent) < most:
                await asyncio.sleep(0.01)
        await looks.more(4)  # what was sent is written down
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    with answered(), counted() as looks:
        asyncio.run(some(looks))
    return number, sent


def test_what_watches_follows_the_pause_switch_within_seconds(
    serve: Serve, grid: MemoryGrid
) -> None:
    """An unchanged file is parsed once an hour: the bundle has it parsed when it is resumed."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    from dirac_prodsys.provider.bundle.database import unwatched

    serve(night=NIGHT, first=FIRST)
    assert unwatched("productions") == set()
    for paused in (True, False):
        with create_session() as session:
            session.get(DagModel, "night").is_paused = paused
        (stub,) = unwatched("productions")
        bundle = DagBundlesManager().get_bundle("productions")
        (file,) = bundle.path.glob(stub)
        before = {each: each.stat().st_mtime_ns for each in bundle.path.glob("*.py")}
        bundle.refresh()
        changed = [each for each, at in before.items() if each.stat().st_mtime_ns != at]
        assert changed == [file]
        assert "night" in file.name
        serve(night=NIGHT)  # the DAG processor sees that, and parses it
        assert unwatched("productions") == set()
