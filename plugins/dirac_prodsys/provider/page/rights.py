"""Says who may see and do what, by Airflow's own rights.

These modules of Airflow are not on its list of public interfaces: nothing else of ours imports
them.

Invariant: a Dag that is readable makes its runs readable. What belongs to no Dag, such as runs that
Airflow has forgotten, is for those who may read all Dags. A request that changes something and
comes with a cookie must have a header that no other site can make a browser send.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.core_api.security import (
    GetUserDep,
    get_user,
    requires_access_dag,
    requires_access_view,
)
from airflow.models.dag import DagModel
from airflow.utils.session import create_session
from fastapi import Depends, Header, HTTPException, Request

from dirac_prodsys.core.actions.commands import DAG_ID

#: header, and its value, that a browser must send with a request that changes something
HEADER, VALUE = "X-Requested-With", "dirac-prodsys"

#: a name that no Dag can have
_NO_DAG = "~"

#: a user of Airflow
User = GetUserDep

#: whoever is logged in
LOGGED_IN = Depends(get_user)
#: who may read the runs of the Dag in the path, or in the query
READ_RUNS = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
#: who may change the runs of the Dag in the path
EDIT_RUNS = Depends(requires_access_dag("PUT", DagAccessEntity.RUN))
#: who may trigger actions, and read their runs
ACT = Depends(requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=DAG_ID))
READ_ACTIONS = Depends(requires_access_dag("GET", DagAccessEntity.RUN, param_dag_id=DAG_ID))
#: who may see the files with errors, and the components of Airflow
READ_ERRORS = Depends(requires_access_view(AccessView.IMPORT_ERRORS))
READ_GRID = Depends(requires_access_view(AccessView.JOBS))


def _from_our_page(
    request: Request, _user: GetUserDep, x_requested_with: Annotated[str, Header()] = ""
) -> None:
    """Refuse a request of another site's page, which would come with the user's cookie."""
    bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
    if not bearer and x_requested_with != VALUE:
        raise HTTPException(403, f"the header {HEADER}: {VALUE} is missing")


#: demanded of requests that change something
OUR_PAGE = Depends(_from_our_page)


def _may_edit_dags(user: GetUserDep) -> None:
    if not may_edit_dags(user):
        raise HTTPException(403, "Airflow does not let you edit all Dags")


#: who may edit Dags, whatever their names
EDIT_DAGS = Depends(_may_edit_dags)


def may_edit_dags(user: Any) -> bool:
    """Check whether a user may edit all Dags, as who adds one decides what its jobs do.

    Not whether he may add one: no role of FAB has that right.
    """
    return bool(get_auth_manager().is_authorized_dag(method="PUT", user=user))


def is_served(dag_id: str) -> bool:
    """Whether Airflow knows a Dag of that name, paused, broken or not."""
    with create_session() as session:
        return session.get(DagModel, dag_id) is not None


def readable(user: Any) -> set[str]:
    """Return the Dags that a user may read."""
    return set(get_auth_manager().get_authorized_dag_ids(user=user))


def reads_all(user: Any, dags: Collection[str], may_read: Collection[str]) -> bool:
    """Whether a user may read Dags whatever they are; whom a team's Dag excludes may not.

    :param dags: the Dags that there are; :param may_read: those that the user may read.
    """
    if not set(may_read).issuperset(dags):
        return False
    manager = get_auth_manager()
    # some managers let whoever may read one Dag list Dags, and others know no Dag by such a name
    asked = (None, DagDetails(id=_NO_DAG))
    return all(manager.is_authorized_dag(method="GET", details=one, user=user) for one in asked)


def may(user: Any, method: Any, entity: DagAccessEntity, dag_id: str) -> bool:
    """Whether a user may do something with a Dag."""
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return bool(
        get_auth_manager().is_authorized_dag(
            method=method, access_entity=entity, details=details, user=user
        )
    )


def may_act(user: Any) -> bool:
    """Whether a user may trigger actions."""
    return may(user, "POST", DagAccessEntity.RUN, DAG_ID)


def may_read_runs(user: Any, dag_id: str) -> bool:
    """Whether a user may read the runs of a production."""
    return may(user, "GET", DagAccessEntity.RUN, dag_id)


def may_read_actions(user: Any) -> bool:
    """Whether a user may read runs of actions."""
    return may(user, "GET", DagAccessEntity.RUN, DAG_ID)


def may_comment(user: Any, dag_id: str) -> bool:
    """Whether a user may write comments about a production."""
    return may(user, "PUT", DagAccessEntity.RUN, dag_id)


def may_answer(user: Any, dag_id: str) -> bool:
    """Whether a user may answer questions of a production's tasks."""
    return may(user, "PUT", DagAccessEntity.HITL_DETAIL, dag_id)


def name_of(user: Any) -> str:
    """Return the name of a user, as Airflow notes it with what the user does."""
    return str(user.get_name())
