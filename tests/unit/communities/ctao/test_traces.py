"""What CTAO's jobs have left is tied to task and input, or nothing is claimed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from dirac_prodsys.communities.ctao.rules.traces import left, place, runs_of, signed_by, trace
from dirac_prodsys.communities.ctao.types.job_types import TYPES
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.recovery.traces import OutputPlace

RAW = {
    "array_layout": "Alpha",
    "site": "Paranal",
    "particle": "proton",
    "phiP": 0,
    "thetaP": 20.0,
    "outputType": "Data",
    "data_level": -2,
    "airshower_sim_prog": "corsika",
}
COMMON = {"MCCampaign": "PROD6", "configuration_id": 16, "base_path": "/ctao/MC/"}

EACH, ONE = OutputPlace("/d", one=False), OutputPlace("/d", one=True)


def spec(**job: Any) -> Any:
    steps = [{"ID": 1, "input_meta_query": RAW, "job_config": {"version": "v1", **job}}]
    text = yaml.safe_dump({"ProdSteps": steps, "Common": COMMON}, sort_keys=False)
    return compile(load_production(text, "c.yml"), run="r1").steps[0].transformation


MERGING = {"type": "Merging", "output_extension": "merged.h5", "group_size": 5}


@pytest.mark.parametrize(
    ("job", "one"),
    [
        (MERGING, True),
        ({"type": "CtapipeTrainEnergy"}, True),
        ({"type": "CtapipeProcessing", "data_level": 2, "output_extension": "h5"}, False),
        ({"type": "CtapipeApplyModels"}, False),
        ({"type": "EvndispProcessing"}, False),
        ({"type": "SimTelProcessing", "moon": "dark"}, False),
    ],
)
def test_the_place_is_where_the_transformations_data_are_made_to_go(
    job: dict[str, Any], one: bool
) -> None:
    made = spec(**job)
    kinds = [d.of(7) for d in made.directories if d.metadata.get("outputType") in ("Data", "Model")]
    assert place(made.body, 7) == OutputPlace(kinds[0].path, one)


def test_where_nothing_is_certain_no_place_is_known() -> None:
    merging = spec(**MERGING).body
    assert place(merging.model_copy(update={"unresolved": ("raw",)}), 7) is None
    bare = CommunityBody(kind="ctao", job_class="MCPipeJob", settings=merging.settings)
    assert place(bare, 7) is None  # no metadata
    simulating = place(merging.model_copy(update={"job_class": "MCPipeJob"}), 7)
    assert simulating is not None
    assert not simulating.counted
    assert place(merging.model_copy(update={"job_class": "Another"}), 7) is None
    counted = place(spec(**MERGING, data_output_pattern="*.h5").body, 7)
    assert counted is not None
    assert not counted.counted


def test_every_type_with_input_says_how_many_files_a_task_leaves() -> None:
    assert {kind.name for kind in TYPES if not kind.leaves} == {"MCSimulation", "SimPipe"}


def test_jobs_are_looked_for_as_the_catalogue_keeps_them() -> None:
    assert signed_by([12, 7]).to_dirac() == {"jobID": {"in": ["12", "7"]}}
    assert signed_by([7]).to_dirac() == {"jobID": {"=": "7"}}


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("gamma_20deg_0deg_run000012___cta-prod6-dark.simtel.zst", {12}),
        ("gamma_20deg_0deg_run12___cta-prod6-dark.DL2.h5", {12}),
        ("gamma_tid5_run12___cta.zst", {5, 12}),
        ("gamma_run1-run10_merged.DL2.h5", {1, 10}),
        ("model.pkl", set()),
    ],
)
def test_the_run_numbers_of_a_name(name: str, runs: set[int]) -> None:
    assert runs_of(f"/ctao/run99/{name}") == runs


def made(*runs: int | None, job: int = 70) -> list[Any]:
    """Files that a job left; None: CTADIRAC found no run number in the name."""
    numbers = [-9999 if run is None else run for run in runs]
    return [
        trace(f"/d/{number}", {"jobID": str(job), "runNumber": f"{number:08}"})
        for number in numbers
    ]


def unsigned(*names: str) -> list[Any]:
    return [trace(f"/d/{name}", {}) for name in names]


def lfn(run: int, more: str = "") -> str:
    return f"/ctao/in/gamma_run{run}___cta{more}.zst"


THREE = (lfn(1), lfn(2), lfn(12))


@pytest.mark.parametrize(
    ("where", "inputs", "own", "others", "expected"),
    [
        # one file for all that a task takes
        (ONE, THREE, made(None), (), "all"),
        (ONE, THREE, made(1, 2), (), "all"),
        (ONE, THREE, [], (), "none"),
        (ONE, (), made(None), (), "all"),
        (OutputPlace("/d", True, counted=False), THREE, made(None), (), "some"),
        (ONE, THREE, [], unsigned("any"), "unsigned"),
        # one file for each
        (EACH, THREE, made(1), (), "all"),
        (EACH, THREE, made(2, 12), (), "none"),  # run 12 is not run 1
        (EACH, THREE, made(2, None), (), "some"),
        (EACH, (lfn(1),), made(None), (), "all"),
        (EACH, (), made(1), (), "some"),
        (EACH, THREE, [], (), "none"),
        (OutputPlace("/d", False, counted=False), THREE, made(1), (), "some"),
        # two inputs of one run, as of two moonlights
        (EACH, (lfn(1), lfn(1, "-moon")), made(1), (), "some"),
        (EACH, (lfn(1), lfn(1, "-moon")), made(1, 1), (), "all"),
        # files that name no job
        (EACH, THREE, [], unsigned("gamma_run1___cta.h5"), "unsigned"),
        (EACH, THREE, [], unsigned("gamma_run2___cta.h5"), "none"),
        (EACH, THREE, made(2), unsigned("gamma_run1___cta.h5"), "unsigned"),
        (EACH, THREE, [], unsigned("part.h5"), "unsigned"),
        (EACH, THREE, made(1), unsigned("gamma_run1___cta.h5"), "all"),
    ],
)
def test_all_is_reported_only_where_it_is_certain(
    where: OutputPlace, inputs: Any, own: Any, others: Any, expected: str
) -> None:
    assert left(where, lfn(1), inputs, own, others) == expected


def test_an_input_without_one_run_number_is_tied_to_nothing_but_its_own_task() -> None:
    merged = "/ctao/in/gamma_run1-run9_merged.h5"
    assert left(EACH, merged, (merged, lfn(1)), made(1), ()) == "some"
    assert left(EACH, merged, (merged,), made(1), ()) == "all"
    assert left(EACH, merged, (merged, lfn(1)), [], ()) == "none"
    assert left(EACH, merged, (merged, lfn(1)), [], unsigned("gamma_run5.h5")) == "unsigned"
