"""Which of its parent's files a child takes, and whom it competes with."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.core.dialects import DUMMY_RUN, load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.subject import ProvenLink, Subject
from dirac_prodsys.core.proof import prove
from tests.unit.core.writing import make, output, step


def subject(**steps: dict[str, Any]) -> Subject:
    production = make(**steps)
    return Subject(production, compile(production, run=DUMMY_RUN))


def reasons(one: Subject, *codes: str) -> list[str]:
    """The reasons of the findings with these codes."""
    return [problem.reason for problem in prove(one) if problem.code in codes]


def child(parent: str, name: str, where: dict[str, Any] | None = None, **more: Any) -> Any:
    given = {"from": parent, **({"where": where} if where else {})}
    return step(input=given, output=output(name), **more)


def test_a_child_that_narrows_nothing_takes_all_files() -> None:
    one = subject(a=step("MCSimulation", output=output("a")), b=step("Merging", "a"))
    assert one.links == {("a", "b"): ProvenLink("a", "b", "all")}
    assert reasons(one, "link") == ["step b takes all files of a"]


def test_metadata_of_directories_above_are_the_files_own() -> None:
    below = {**output("a"), "directory": "/sim/p/a/deep", "metadata": {"level": 1}}
    one = subject(
        top=step("MCSimulation", output=output("a", site="north")),
        deep=step("MCSimulation", output=below),
        b=step(input={"from": "deep", "where": {"site": "north"}}),
    )
    assert one.links["deep", "b"].share == "all"
    assert reasons(one, "undeclared-field") == []


def test_a_field_that_the_parent_does_not_declare_is_reported_with_the_nearest_one() -> None:
    one = subject(
        a=step("MCSimulation", output=output("a", particle="gamma")),
        b=child("a", "b", {"partcle": "gamma"}),
    )
    (found,) = [p for p in prove(one) if p.code == "undeclared-field"]
    assert found.path == ("steps", "b", "input", "where", "partcle")
    assert "did you mean 'particle'?" in found.hint
    assert one.links["a", "b"].share == "part"


def test_a_split_by_a_field_that_jobs_set_on_their_files_is_no_slip() -> None:
    one = subject(
        a=step("MCSimulation", output=output("a")),
        b=child("a", "b", {"number": {"<": 10}}),
        c=child("a", "c", {"number": {">=": 10}}),
    )
    assert reasons(one, "undeclared-field", "siblings-overlap") == []


def test_that_a_field_is_missing_is_fulfilled_where_it_is_not_declared() -> None:
    one = subject(
        a=step("MCSimulation", output=output("a")), b=child("a", "b", {"merged": "Missing"})
    )
    assert one.links["a", "b"] == ProvenLink("a", "b", "all")


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ({"zenith": {"<=": 20}}, {"zenith": {">=": 20}}, "zenith 20"),
        ({"zenith": {"<=": 40}}, {"zenith": {"<": 20}}, "zenith < 20"),
        ({"zenith": [20, 40]}, {"zenith": [40, 60]}, "zenith 40"),
        ({"zenith": {"!=": 20}}, {"zenith": {">": 10}}, "zenith > 10 and != 20"),
    ],
)
def test_two_parts_that_overlap_are_reported_with_what_is_in_both(
    first: dict[str, Any], second: dict[str, Any], overlap: str
) -> None:
    one = subject(
        a=step("MCSimulation", output=output("a")),
        b=child("a", "b", first, description="one"),
        c=child("a", "c", second),
    )
    assert reasons(one, "siblings-overlap") == [
        f"steps b and c both take files of a with {overlap}"
    ]


def test_two_parts_that_exclude_each_other_are_no_finding() -> None:
    one = subject(
        a=step("MCSimulation", output=output("a")),
        b=child("a", "b", {"zenith": {"<": 20}}),
        c=child("a", "c", {"zenith": {">=": 20}}),
    )
    assert reasons(one, "siblings-overlap", "same-work") == []


def test_the_same_job_on_the_same_files_is_reported_and_another_job_is_not() -> None:
    other = {"type": "script", "executable": "another"}
    one = subject(
        a=step("MCSimulation", output=output("a")),
        b=step("Merging", "a"),
        c=step("Merging", "a"),
        d={**step("Merging", "a"), "job": other},
    )
    assert reasons(one, "same-work") == ["steps b and c do the same job on the same files"]


def test_a_query_that_would_take_another_output_if_it_had_a_field_is_reported() -> None:
    one = subject(
        a=step("MCSimulation", output=output("a", level=1)),
        b=step(
            input={"from": "a", "where": {"merged": 0}}, output=output("b", level=1, kind="merged")
        ),
    )
    assert reasons(one, "may-eat-output") == [
        "step b takes its own output too, if files there have merged"
    ]


def test_declaring_the_field_with_another_value_settles_it() -> None:
    one = subject(
        a=step("MCSimulation", output=output("a", level=1, merged=0)),
        b=step("Merging", "a", output=output("b", level=1, merged=1)),
        c=step("Merging", "b", output=output("c", level=1, merged=2)),
    )
    assert reasons(one, "may-eat-output", "undeclared-field", "empty-link") == []


def test_copies_of_the_same_files_to_other_places_are_not_the_same_work() -> None:
    def to(place: str) -> dict[str, Any]:
        places = {"SourceSE": "DISK-A-SE", "TargetSE": place}
        return {"type": "Replication", "input": {"from": "a"}, "plugin_parameters": places}

    made = step("MCSimulation", output=output("a"))
    assert reasons(subject(a=made, b=to("B-SE"), c=to("C-SE")), "same-work") == []
    assert reasons(subject(a=made, b=to("B-SE"), c=to("B-SE")), "same-work")


def test_what_diracs_own_validator_would_refuse_is_a_note() -> None:
    one = subject(
        a=step("MCSimulation", output=output("a", zenith=20)),
        b=child("a", "b", {"zenith": {"<": 40}}),
        c=child("a", "c", {"other": 1}),
    )
    refused = reasons(one, "dirac-refuses-link")
    assert len(refused) == 1
    assert "a → c would refuse: other is not in the parent's output query" in refused[0]


#: a simulation with two night-sky levels, and a step for each of them
FAN_OUT = """\
ProdSteps:
  - ID: 1
    input_meta_query: {parentID: }
    job_config: {type: MCSimulation, version: 2022-08-03, array_layout: Advanced-Baseline,
      site: Paranal, particle: gamma, pointing_dir: North, zenith_angle: 20, n_shower: 50,
      moon: [dark, half]}
  - ID: 2
    input_meta_query: {parentID: 1, moon: dark}
    job_config: {type: CtapipeProcessing, version: v0.19.2, data_level: 2, output_extension: h5}
  - ID: 3
    input_meta_query: {parentID: 1, moon: half}
    job_config: {type: CtapipeProcessing, version: v0.19.3, data_level: 2, output_extension: h5}
Common: {MCCampaign: PROD6, configuration_id: 15, base_path: /ctao/MC}
"""


def ctao(text: str) -> Subject:
    production = load_production(text, "fan_out.yml")
    return Subject(production, compile(production, run=DUMMY_RUN))


def test_children_that_split_their_parents_files_between_them_are_no_finding() -> None:
    one = ctao(FAN_OUT)
    assert [found.share for found in one.links.values()] == ["part", "part"]
    assert reasons(one, "siblings-overlap", "files-not-taken") == []


def test_a_part_that_is_taken_twice_and_one_that_is_not_taken_are_both_reported() -> None:
    one = ctao(FAN_OUT.replace("moon: half}", "moon: dark}"))
    (overlap,) = reasons(one, "siblings-overlap")
    assert overlap.endswith("both take files of Step1_MCSimulation with nsb 1")
    (rest,) = reasons(one, "files-not-taken")
    assert rest.startswith("no step takes the files of Step1_MCSimulation with nsb 5: ")
