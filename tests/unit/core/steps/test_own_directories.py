"""Which directories the cleaning agent gets: a step's own, no sibling and none above."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.gateway.verbs import output_directories
from tests.unit.core.writing import make, output, step

RUN = "${{ run }}"


def own(**steps: dict[str, Any]) -> dict[str, list[str]]:
    plan = compile(make(**steps), run="r1")
    return {one.name: list(one.transformation.output_directories) for one in plan.steps}


def sim(directory: str, **metadata: Any) -> dict[str, Any]:
    metadata = metadata or {"part": directory.strip("/").replace("/", "_").replace(RUN, "r")}
    return step("MCSimulation", output=output(directory, run=RUN, **metadata))


def test_a_step_alone_in_its_directory_owns_it_and_nothing_above() -> None:
    found = own(one=sim(f"{RUN}/one"), two=sim(f"{RUN}/two"))
    assert found == {"one": ["/sim/p/r1/one"], "two": ["/sim/p/r1/two"]}


def test_a_directory_that_two_steps_write_to_is_nobodys_own() -> None:
    same = {"level": 0}
    assert own(one=sim(RUN, **same), two=sim(RUN, **same)) == {"one": [], "two": []}


def test_a_directory_that_holds_anothers_is_not_its_own() -> None:
    found = own(
        outer=step("MCSimulation", output=output(RUN, kind="all")),
        inner=step("MCSimulation", output=output(f"{RUN}/in", step="inner")),
    )
    assert found == {"outer": [], "inner": ["/sim/p/r1/in"]}


def test_directories_that_differ_in_case_only_are_one_to_the_database() -> None:
    found = own(one=sim(f"{RUN}/a", level=0), two=sim(f"{RUN}/A", level=0))
    assert found == {"one": [], "two": []}


def test_a_name_that_begins_like_anothers_is_another_directory() -> None:
    found = own(one=sim(f"{RUN}/a"), two=sim(f"{RUN}/ab"))
    assert found == {"one": ["/sim/p/r1/a"], "two": ["/sim/p/r1/ab"]}


def test_a_directory_that_the_next_run_writes_to_is_not_its_own() -> None:
    assert own(one=sim("r1/one")) == {"one": []}


def test_steps_without_output_own_nothing() -> None:
    found = own(
        one=sim(f"{RUN}/one"),
        copy={
            "type": "Replication",
            "input": {"from": "one"},
            "plugin_parameters": {"SourceSE": "DISK-A-SE", "TargetSE": "DISK-B-SE"},
        },
    )
    assert found["copy"] == []


@pytest.mark.parametrize("production", ["examples/w04_energy_scan", "good/loop", "good/matrix"])
def test_branches_and_passes_own_their_directories_each(production: str) -> None:
    from tests.productions.regenerate import EXAMPLES, HERE, load

    folder, name = production.split("/")
    file = (EXAMPLES if folder == "examples" else HERE / folder) / f"{name}.yaml"
    plan = compile(load(file), run="r1")
    listed = [path for each in plan.steps for path in each.transformation.output_directories]
    assert len(listed) > 2
    assert len(set(listed)) == len(listed)
    for path in listed:
        assert not [other for other in listed if other.startswith(f"{path}/")]


def test_ctaos_steps_own_what_has_their_id_in_its_path_once_it_is_known() -> None:
    from tests.productions.regenerate import HERE, load

    plan = compile(load(Path(HERE / "good" / "ctao_jobs.yaml")), run="r1")
    listed = {path for each in plan.steps for path in each.transformation.output_directories}
    assert "/ctao/MC/PROD6/LaPalma/gamma/sim_telarray/@{TransformationID}" in listed
    spec = next(s.transformation for s in plan.steps if s.transformation.output_directories)
    assert output_directories.value_of(spec, 42).endswith("/42']")


def test_what_holds_the_ids_digits_by_chance_is_not_listed_for_the_agent() -> None:
    plan = compile(make(one=sim(f"{RUN}/one")), run="00000042")
    spec = plan.steps[0].transformation
    assert output_directories.value_of(spec, 42) == "[]"
    assert output_directories.value_of(spec, 43) == "['/sim/p/00000042/one']"
