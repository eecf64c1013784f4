"""``dirac-prodsys convert`` and ``diff``: other forms of one production, and what differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dirac_prodsys.core.plan.compile import compile
from tests.productions.regenerate import HERE, load
from tests.unit.communities.ctao.ctao_files import PROCESSING, SIMULATION, step, text


def test_an_edge_that_is_drawn_links_two_steps(prodsys, tmp_path: Path) -> None:
    text = prodsys("convert", HERE / "good" / "chain.yaml", "--to", "graphml").stdout
    assert '<edge source="slices" target="merge">' in text
    drawn = tmp_path / "c.graphml"
    drawn.write_text(text.replace('target="stitch"', 'target="merge"').replace("<graph", "<graph"))
    result = prodsys("plan", drawn, "--json")
    assert result.exit_code == 2  # stitch has no input any more
    assert "Merging works on files, and there is no input" in result.output


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not xml", "it is no GraphML"),
        ('<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph/></graphml>', "is missing"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><graphml/>', "a DOCTYPE is not allowed"),
    ],
)
def test_a_file_that_is_no_graphml_is_refused(
    prodsys, tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "f.graphml"
    file.write_text(text)
    result = prodsys("convert", file)
    assert result.exit_code == 2
    assert reason in result.output


def test_yaml_is_complete_without_the_files_it_came_from(prodsys, tmp_path: Path) -> None:
    alone = tmp_path / "clone.yaml"
    alone.write_text(prodsys("convert", HERE / "good" / "clone.yaml").stdout)
    assert compile(load(alone), run="r1") == compile(load(HERE / "good" / "clone.yaml"), run="r1")


def test_json_is_the_resolved_plan(prodsys) -> None:
    file = HERE / "good" / "matrix.yaml"
    plan = json.loads(prodsys("convert", file, "--to", "json").stdout)
    assert plan == compile(load(file), run="RUN").to_dict()


def test_diff_names_steps_and_values_and_ends_with_1(prodsys, tmp_path: Path) -> None:
    text = (HERE / "good" / "chain.yaml").read_text()
    other = tmp_path / "other.yaml"
    changed = text.replace("name: chain", "name: other").replace("group_size: 4", "group_size: 5")
    assert changed != text
    other.write_text(
        changed + "  more: {type: MCSimulation, tasks: 1, job: {type: script, executable: x}}\n"
    )
    result = prodsys("diff", HERE / "good" / "chain.yaml", other)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "~ merge: transformation.group_size: 4.0 → 5.0",
        "+ more",
    ]
    found = json.loads(prodsys("diff", HERE / "good" / "chain.yaml", other, "--json").stdout)
    assert found["differences"][0] == {
        "step": "merge",
        "what": "transformation.group_size",
        "left": 4.0,
        "right": 5.0,
    }


def test_diff_of_a_production_with_itself_is_empty(prodsys) -> None:
    result = prodsys("diff", HERE / "good" / "chain.yaml", HERE / "good" / "chain.yaml")
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_file_of_ctao_s_form_is_written_in_the_native_form(prodsys, tmp_path: Path) -> None:
    file = tmp_path / "gammas.yml"
    file.write_text(text(step(1, SIMULATION), step(2, PROCESSING, {"parentID": 1})))
    native = tmp_path / "native.yaml"
    native.write_text(prodsys("convert", file).stdout)
    made = load(native)
    assert made.dialect == "native"
    assert [(s.name, s.job["type"]) for s in made.steps] == [
        ("Step1_MCSimulation", "ctao:MCSimulation"),
        ("Step2_CtapipeProcessing", "ctao:CtapipeProcessing"),
    ]


def test_cwl_is_written_and_read_again(prodsys, tmp_path: Path) -> None:
    file = HERE / "good" / "chain.yaml"
    written = prodsys("convert", file, "--to", "cwl")
    assert written.exit_code == 0
    assert written.stderr == "CWL cannot say: flushing and recovery; hints keep it\n"
    again = tmp_path / "chain.cwl"
    again.write_text(written.stdout)
    assert compile(load(again), run="r1") == compile(load(file), run="r1")
