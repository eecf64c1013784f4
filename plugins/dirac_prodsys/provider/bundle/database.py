"""Asks Airflow's database, for the bundle, who owns which DAG, since when, and which runs exist.

The DAG processor and the scheduler may ask, the workers may not.

Invariant: a missing answer is None (for DAGs of other bundles: none of them); then nothing is
removed.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dirac_prodsys.core.naming import RETIRED, WATCHED

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)


@contextmanager
def _asking_for(what: str) -> Iterator[Session]:
    """Open a session of Airflow's database; where it cannot be asked, leave the block."""
    try:
        from airflow.utils.session import create_session

        with create_session() as session:
            yield session
    except Exception:
        log.debug("the database cannot be asked for %s", what, exc_info=True)


def with_runs(dag_ids: Collection[str], ended_after: datetime | None = None) -> set[str] | None:
    """Return which of these DAGs have a run; None if the database may not be asked.

    :param ended_after: runs that ended before do not count; None: all do.
    """
    with _asking_for("runs") as session:
        from airflow.models.dagrun import DagRun
        from sqlalchemy import or_, select

        asked = select(DagRun.dag_id).where(DagRun.dag_id.in_(dag_ids)).distinct()
        if ended_after is not None:
            asked = asked.where(or_(DagRun.end_date.is_(None), DagRun.end_date > ended_after))
        return set(session.scalars(asked))
    return None


def other_owners(bundle: str, dag_ids: Collection[str]) -> dict[str, str]:
    """Map each DAG ID that another bundle serves now to the name of that bundle.

    A DAG that is retired there, and has no unfinished run, is free.
    """
    wanted = {dag_id for dag_id in dag_ids if dag_id}
    if not wanted:
        return {}
    with _asking_for("the DAGs of other bundles") as session:
        from airflow.models.dag import DagModel, DagTag
        from airflow.models.dagbundle import DagBundleModel
        from airflow.models.dagrun import DagRun
        from airflow.utils.state import State
        from sqlalchemy import select

        # a bundle that is no longer configured, or was renamed, owns nothing
        found = session.execute(
            select(DagModel.dag_id, DagModel.bundle_name)
            .join(DagBundleModel, DagBundleModel.name == DagModel.bundle_name)
            .where(
                DagModel.dag_id.in_(wanted),
                DagModel.bundle_name != bundle,
                DagModel.is_stale.is_(False),
                DagBundleModel.active.is_(True),
            )
        )
        owners = {str(dag_id): str(owner) for dag_id, owner in found}
        at_work = select(DagRun.dag_id).where(DagRun.state.in_(State.unfinished_dr_states))
        free = select(DagTag.dag_id).where(
            DagTag.dag_id.in_(owners), DagTag.name == RETIRED, DagTag.dag_id.not_in(at_work)
        )
        for dag_id in session.scalars(free):
            owners.pop(dag_id, None)
        return owners
    return {}


def stored_lately(dag_ids: Collection[str], seconds: float) -> set[str] | None:
    """Return the DAGs that Airflow has stored anew within the last seconds; None: unknown."""
    if not dag_ids:
        return set()
    with _asking_for("what it stored lately") as session:
        from airflow.models.serialized_dag import SerializedDagModel
        from sqlalchemy import select

        since = datetime.now(UTC) - timedelta(seconds=seconds)
        found = session.scalars(
            select(SerializedDagModel.dag_id)
            .where(
                SerializedDagModel.dag_id.in_(dag_ids),
                SerializedDagModel.last_updated > since,
            )
            .distinct()
        )
        return set(found)
    return None


def unwatched(bundle: str) -> set[str]:
    """Return the files of DAGs whose watcher is not as their pause switch says.

    Airflow begins and ends what watches when it stores a parse of the DAG's file, and at no other
    time: not when a DAG is paused or resumed (``AssetModelOperation.add_asset_trigger_references``,
    3.3). An unchanged file is parsed each ``min_file_process_interval``.
    """
    with _asking_for("what watches") as session:
        from airflow.models.asset import AssetModel, DagScheduleAssetReference
        from airflow.models.dag import DagModel
        from sqlalchemy import or_, select

        watched = AssetModel.triggers.any()
        found = session.scalars(
            select(DagModel.relative_fileloc)
            .join(DagScheduleAssetReference, DagScheduleAssetReference.dag_id == DagModel.dag_id)
            .join(DagScheduleAssetReference.asset)
            .where(
                DagModel.bundle_name == bundle,
                DagModel.is_stale.is_(False),
                AssetModel.uri.endswith(f"/{WATCHED}", autoescape=True),
                or_(
                    DagModel.is_paused.is_(False) & ~watched,
                    DagModel.is_paused.is_(True) & watched,
                ),
            )
        )
        return {file for file in found if file}
    return set()


def versions_in_use(bundle: str) -> set[str] | None:
    """Return the versions of a bundle that a run has, or may yet get; None: unknown.

    A run that has ended may be cleared; it then goes on with the version with which it began.
    """
    with _asking_for("versions in use") as session:
        from airflow.models.dag import DagModel
        from airflow.models.dag_version import DagVersion
        from airflow.models.dagrun import DagRun
        from sqlalchemy import select

        found: set[str] = set()
        for column in (DagRun.bundle_version, DagVersion.bundle_version):
            found.update(v for v in session.scalars(select(column).distinct()) if v)
        own = select(DagModel.bundle_version).where(DagModel.bundle_name == bundle).distinct()
        found.update(v for v in session.scalars(own) if v)
        return found
    return None
