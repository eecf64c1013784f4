"""Airflow's own grid and graph of every production: they come, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.run.dag_shape import shape
from dirac_prodsys.provider.dag_builder import PREVIEW_RUN, build_dag
from tests.unit.core.run.test_dag_shape import FILES


@pytest.fixture(scope="module")
def api(airflow_database: Path) -> Iterator[Any]:
    """A client of the API server, as an administrator."""
    from airflow.api_fastapi.app import create_app, purge_cached_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    purge_cached_app()
    app = create_app(apps="core")
    token = app.state.auth_manager.generate_jwt(SimpleAuthManagerUser(username="ada", role="ADMIN"))
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client
    purge_cached_app()


def served(dag: Any) -> None:
    """Put a DAG into Airflow's database, as its dag-processor does."""
    from airflow.dag_processing.collection import update_dag_parsing_results_in_db
    from airflow.models.dagbundle import DagBundleModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session

    with create_session() as session:
        if session.get(DagBundleModel, "productions") is None:
            session.add(DagBundleModel(name="productions"))
    with create_session() as session:
        update_dag_parsing_results_in_db(
            bundle_name="productions",
            bundle_version=None,
            version_data=None,
            dags=[LazyDeserializedDAG.from_dag(dag)],
            import_errors={},
            parse_duration=None,
            warnings=set(),
            session=session,
        )


def shown(nodes: list[dict[str, Any]]) -> list[Any]:
    """What is shown, as lists within lists."""
    return [
        (node["id"], shown([c for c in node["children"] if c.get("type") != "join"]))
        if node.get("children")
        else node["id"]
        for node in nodes
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_grid_and_graph_come_in_the_order_of_the_file(api: Any, file: Path) -> None:
    production = read_production(file)
    dag = build_dag(production)
    dag.fileloc = dag.relative_fileloc = f"{file.stem}.py"
    served(dag)

    grid = api.get(f"/ui/grid/structure/{dag.dag_id}")
    graph = api.get("/ui/structure/structure_data", params={"dag_id": dag.dag_id})
    assert (grid.status_code, graph.status_code) == (200, 200), (grid.text, graph.text)
    assert shown(grid.json()) == shown(graph.json()["nodes"])

    drawn = shape(production, compile(production, run=PREVIEW_RUN))
    homes = {group.id: group.within for group in drawn.groups}
    homes |= {drawn.ids[place]: group for place, group in drawn.tasks.items()}
    expected: dict[str, list[Any]] = {}
    for name in sorted(drawn.order, key=lambda name: drawn.order[name]):
        home = homes[name]
        expected.setdefault(home, []).append(name)

    def tree(group: str) -> list[Any]:
        return [(name, tree(name)) if name in expected else name for name in expected[group]]

    assert shown(grid.json()) == tree("")
