"""CTAO's rules: what a step takes, what it leaves, where, and who waits for whom."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from tests.unit.communities.ctao.ctao_files import (
    MERGING,
    PROCESSING,
    ROOT,
    SIMULATION,
    mistakes_of,
    plan,
    remarks,
    step,
)

#: a dataset as the catalogue may keep it
DATASET = {
    "array_layout": "Prod6-Hyperarray",
    "site": {"=": "Paranal"},
    "particle": "proton",
    "phiP": {"=": 0},
    "thetaP": {"=": 20.0},
    "nsb": 1,
    "outputType": "Data",
    "data_level": -1,
}


def query(spec_query: MetaQuery, *fields: str) -> list[object]:
    """The conditions on these fields, None where there is none."""
    form = spec_query.to_dirac()
    return [form.get(field) for field in fields]


def test_a_simulation_says_what_it_makes():
    made = plan(step(1, {**SIMULATION, "pointing_dir": "South", "sct": "non-Alpha"}))
    assert made.steps[0].transformation.output_query.to_dirac() == {
        "MCCampaign": {"=": "PROD6"},
        "array_layout": {"=": "Prod6-Hyperarray"},
        "configuration_id": {"=": 16},
        "data_level": {"=": -1},
        "nsb": {"in": [1, 5]},
        "outputType": {"=": "Data"},
        "particle": {"=": "gamma"},
        "phiP": {"=": 0},
        "sct": {"=": "True"},
        "site": {"=": "LaPalma"},
        "tel_sim_prog": {"=": "sim_telarray"},
        "tel_sim_prog_version": {"=": "2024-02-05-sc"},
        "thetaP": {"=": 20},
    }


@pytest.mark.parametrize(
    ("direction", "phi"), [("North", 180), ("South", 0), ("East", 270), ("West", 90)]
)
def test_every_pointing_direction_has_a_phi_of_its_own_for_makers_and_takers(direction, phi):
    made = plan(
        step(1, {**SIMULATION, "pointing_dir": direction}),
        step(2, PROCESSING, {"parentID": 1, "moon": "dark", "pointing_dir": direction}),
    )
    for maker, taker in [made.steps]:
        assert query(maker.transformation.output_query, "phiP") == [{"=": phi}]
        assert query(taker.transformation.input_query, "phiP") == [{"=": phi}]


def test_scts_mark_the_version_once_whichever_stands_first():
    for config in (
        {"sct": "all", **SIMULATION},
        {**SIMULATION, "sct": "all"},
        {**SIMULATION, "version": "2024-02-05-sc", "sct": "all"},
    ):
        spec = plan(step(1, config)).steps[0].transformation
        assert query(spec.output_query, "tel_sim_prog_version") == [{"=": "2024-02-05-sc"}]
        assert dict(spec.body.settings)["version"] == "2024-02-05"


def test_a_child_takes_what_its_parent_says_narrowed():
    made = plan(
        step(1, SIMULATION),
        step(2, PROCESSING, {"parentID": 1, "moon": "half", "nsb": {"in": [5, 19]}}),
    )
    parent, child = (s.transformation for s in made.steps)
    assert parent.output_query.subsumes(child.input_query)
    assert query(child.input_query, "nsb") == [{"=": 5}]
    assert child.output_query.matches({**dict(child.body.output_metadata), "nsb": 5})


def test_siblings_do_not_change_each_other_s_query():
    made = plan(
        step(1, SIMULATION),
        step(2, PROCESSING, {"parentID": 1, "moon": "dark"}),
        step(3, PROCESSING, {"parentID": 1, "moon": "half"}),
        step(4, {**PROCESSING, "data_level": 1}, {"parentID": 1}),
    )
    taken = [query(s.transformation.input_query, "nsb")[0] for s in made.steps[1:]]
    assert taken == [{"=": 1}, {"=": 5}, {"in": [1, 5]}]
    steps = [step(1, SIMULATION), step(2, PROCESSING, {"parentID": 1, "moon": "dark"})]
    found = remarks(*steps, step(3, PROCESSING, {"parentID": 1}))
    assert any("CTADIRAC would add the nsb of Step2_" in reason for _, reason in found)


def test_a_child_cannot_ask_for_what_its_parent_never_makes():
    children = {"moon": "full", "site": "Paranal", "split": "test", "analysis_prog": "x"}
    mistakes = mistakes_of(step(1, SIMULATION), step(2, PROCESSING, {"parentID": 1, **children}))
    whose = "the output of Step1_MCSimulation"
    assert mistakes == [
        ("moon: full", f"no file is left: nsb is one of 1, 5 in {whose}, and here 19"),
        ("site: Paranal", f"no file is left: site is LaPalma in {whose}, and here Paranal"),
        ("split: test", "no file of Step1_MCSimulation has split, so nothing would be taken"),
        (
            "analysis_prog: x",
            "no file of Step1_MCSimulation has analysis_prog, so nothing would be taken",
        ),
    ]


def test_what_only_files_carry_may_narrow_a_child():
    made = plan(
        step(1, SIMULATION),
        step(2, PROCESSING, {"parentID": 1, "moon": "dark", "runNumber": {"<": 100}}),
    )
    assert query(made.steps[1].transformation.input_query, "runNumber") == [{"<": 100}]


def test_merging_counts_its_levels():
    made = plan(
        step(1, SIMULATION),
        step(2, PROCESSING, {"parentID": 1, "moon": "dark"}),
        step(3, MERGING, {"parentID": 2, "merged": 0}),
        step(4, MERGING, {"parentID": 3}),
        step(5, MERGING, {**ROOT, "analysis_prog": "ctapipe-merge", "merged": {"=": 6}}),
    )
    levels = [query(s.transformation.output_query, "merged")[0] for s in made.steps]
    assert levels == [None, None, {"=": 1}, {"=": 2}, {"=": 7}]


def test_a_dataset_is_narrowed_and_its_values_become_the_output_s():
    made = plan(
        step(1, {**PROCESSING, "array_layout": "Alpha"}, {"dataset": "raw", "particle": "proton"}),
        datasets={"raw": DATASET},
    )
    spec = made.steps[0].transformation
    assert made.unresolved == ()
    assert spec.input_query == MetaQuery.parse(DATASET)
    assert dict(spec.body.output_metadata)["site"] == "Paranal"
    assert query(spec.output_query, "array_layout", "phiP", "nsb") == [
        {"=": "Alpha"},
        {"=": 0},
        {"=": 1},
    ]


def test_a_plan_without_the_query_of_a_dataset_says_so_down_to_the_last_child():
    made = plan(
        step(1, PROCESSING, {"dataset": "raw"}),
        step(2, MERGING, {"parentID": 1, "particle": "proton"}),
        step(3, SIMULATION),
    )
    assert made.unresolved == ("raw",)
    assert [s.transformation.body.unresolved for s in made.steps] == [("raw",), ("raw",), ()]
    assert made.steps[1].transformation.directories == ()


def test_the_forms_of_numbers_are_kept_for_the_job_and_equal_in_queries():
    config = {**PROCESSING, "data_level": 1}
    specs = [
        plan(step(1, config, {**ROOT, "phiP": value})).steps[0].transformation
        for value in (180, 180.0, {"=": 180.0})
    ]
    assert [repr(dict(s.body.output_metadata)["phiP"]) for s in specs] == ["180", "180.0", "180.0"]
    assert len({s.input_query for s in specs}) == 1


def test_an_output_cannot_have_two_values_of_one_field():
    mistakes = mistakes_of(step(1, PROCESSING, {**ROOT, "particle": {"in": ["proton", "gamma"]}}))
    assert mistakes == [
        (
            "in:",
            "the output can have one particle only, and the input has {'in': ['proton', 'gamma']}",
        )
    ]


def test_what_the_output_inherits_is_missed():
    bare = {"outputType": "Data", "site": "Paranal"}
    assert mistakes_of(step(1, PROCESSING, bare)) == [
        (
            "input_meta_query:",
            "the input query does not say array_layout, phiP, thetaP, which the output inherits",
        )
    ]


def test_a_step_that_would_take_its_own_output_is_a_mistake():
    ((line, reason),) = mistakes_of(step(1, MERGING, {**ROOT, "tel_sim_prog": None}))
    assert line == "input_meta_query:"
    assert "would take its own output" in reason


def test_two_steps_that_feed_each_other_by_metadata_are_a_mistake():
    first = {**ROOT, "tel_sim_prog": None, "analysis_prog": "ctapipe-apply-models"}
    second = {**first, "analysis_prog": "ctapipe-process"}
    reasons = [r for _, r in mistakes_of(step(1, PROCESSING, first), step(2, APPLYING, second))]
    assert any("wait for each other" in reason for reason in reasons)


APPLYING = {"type": "CtapipeApplyModels", "version": "v0.23.0"}
TRAINING = {"type": "CtapipeTrainEnergy", "version": "v0.23.0"}


def test_a_root_waits_for_steps_of_its_own_file_that_make_what_it_asks_for():
    merged = {**ROOT, "tel_sim_prog": None, "analysis_prog": "ctapipe-merge", "merged": 1}
    applied = {**merged, "analysis_prog": "ctapipe-apply-models", "particle": None, "merged": None}
    steps = (
        step(1, APPLYING, {**merged, "particle": "gamma"}),
        step(2, APPLYING, {**merged, "particle": "proton"}),
        step(3, {**TRAINING, "type": "CtapipeTrainClassifier", "group_size": 2}, applied),
    )
    made = plan(*steps)
    assert [(s.parents, s.feeders) for s in made.steps] == [
        ((), ()),
        ((), ()),
        ((), ("Step1_CtapipeApplyModels", "Step2_CtapipeApplyModels")),
    ]
    assert "fed-by-others" in [code for code, _ in remarks(*steps)]


def test_models_are_applied_when_the_step_that_trains_them_is_complete():
    merged = {**ROOT, "tel_sim_prog": None, "analysis_prog": "ctapipe-merge", "merged": 1}
    options = {"options": "--reconstructor energy_model.pkl"}
    made = plan(
        step(1, TRAINING, {**merged, "split": "train_en"}),
        step(2, {**APPLYING, **options}, {**merged, "split": "test"}),
        step(3, APPLYING, {**merged, "split": "other"}),
    )
    assert [(s.feeders, s.start) for s in made.steps] == [
        ((), "streaming"),
        (("Step1_CtapipeTrainEnergy",), "on_complete"),
        ((), "streaming"),
    ]


def test_directories_carry_the_metadata_level_by_level():
    made = plan(step(1, SIMULATION), step(2, MERGING, {**ROOT, "tel_sim_prog": "x"}))
    first, second = (s.transformation.directories for s in made.steps)
    top = "/ctao/MC/PROD6/LaPalma/gamma/sim_telarray"
    assert [d.path for d in first] == [
        "/ctao/MC/PROD6",
        "/ctao/MC/PROD6/LaPalma",
        "/ctao/MC/PROD6/LaPalma/gamma",
        top,
        f"{top}/@{{TransformationID}}",
        f"{top}/@{{TransformationID}}/Data",
        f"{top}/@{{TransformationID}}/Log",
    ]
    assert first[4].of(1234) == DirectorySpec(
        path=f"{top}/1234",
        metadata={
            "phiP": 180,
            "thetaP": 20.0,
            "array_layout": "Prod6-Hyperarray",
            "tel_sim_prog_version": "2024-02-05",
            "sct": "False",
        },
    )
    assert first[6].metadata == {
        "outputType": "Log",
        "data_level": -1,
        "configuration_id": 16,
        "merged": 0,
    }
    assert second[5].metadata["merged"] == 1
    together = {key for d in first[:6] for key in d.metadata} | {"nsb"}
    output = made.steps[0].transformation.output_query
    assert set(output.fields) | {"merged"} == together


def test_models_go_to_a_directory_of_their_own_and_showers_have_one_too():
    made = plan(
        step(1, TRAINING, {**ROOT, "merged": 2}), step(2, {**SIMULATION, "only_corsika": True})
    )
    last = [s.transformation.directories[-1] for s in made.steps]
    assert last[0].metadata == {"outputType": "Model", "data_level": 2, "configuration_id": 16}
    assert last[1].path == "/ctao/MC/PROD6/LaPalma/gamma/corsika/@{TransformationID}/Log"
