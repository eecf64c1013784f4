"""A workflow of CWL runs to its dataset: ``dag.test()`` through the bundle on a grid in memory."""

from __future__ import annotations

from pathlib import Path

from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task
from tests.integration.dag_runs import Run, completed, result

PI = Path(__file__).parents[1] / "cwl" / "pi"


def test_a_workflow_comes_to_its_dataset_though_a_task_fails(
    run: Run, grid: MemoryGrid, productions_folder: Path
) -> None:
    text = (PI / "pi.cwl").read_text()
    for tool in (PI / "tools").iterdir():
        (productions_folder / f"_{tool.name}").write_text(tool.read_text())
        text = text.replace(f"tools/{tool.name}", f"_{tool.name}")
    (productions_folder / "_pi.cwl").write_text(text)
    failed: list[Task] = []

    def fails(task: Task) -> bool:
        first = len(task.lfns) == 3 and not failed
        failed.extend([task] if first else [])
        return first

    grid.fails = fails
    dag_run = run("version: 1\nproduction: {name: pi, vo: sim}\ncwl: {file: _pi.cwl}\n")
    assert completed(dag_run)
    assert len(failed) == 1
    assert result(dag_run, "join.flush")["flushed"] is True
    assert result(dag_run, "join.wait_for_completion")["files"] == {"Processed": 7}
    assert result(dag_run, "gather.create_dataset")["files"] == 1
