"""``dirac-prodsys plan`` shows what the operators would send, and nothing else."""

from __future__ import annotations

import json

from dirac_prodsys.core.plan import compile as compile_plan

from dirac_prodsys.core.dialects import load_production


def test_the_json_is_the_plan_that_the_operators_compile(prodsys, good):
    result = prodsys("plan", good, "--run", "r1", "--json")
    assert result.exit_code == 0
    plan = compile_plan(load_production(good.read_text(), str(good)), run="r1")
    assert json.loads(result.stdout) == json.loads(json.dumps(plan.to_dict()))


def test_the_tree_names_each_transformation_query_body_directory_and_dataset(prodsys, good):
    result = prodsys("plan", good, "--run", "r1")
    assert result.exit_code == 0
    plan = compile_plan(load_production(good.read_text(), str(good)), run="r1")
    for step in plan.steps:
        spec = step.transformation
        assert spec.name in result.stdout
        assert all(command.executable in result.stdout for command in spec.body.commands)
        assert all(directory.path in result.stdout for directory in spec.directories)
        if spec.input_query:
            assert json.dumps(spec.input_query.to_dirac(), sort_keys=True) in result.stdout
    assert "/sim/datasets/good_r1" in result.stdout
    assert plan.digest in result.stdout


def test_text_in_brackets_is_shown_as_it_is(prodsys, good):
    assert "simulate [seed] @{JOB_ID}" in prodsys("plan", good).stdout


def test_a_wrong_file_is_refused_at_its_place_with_exit_code_2(prodsys, good):
    good.write_text(good.read_text().replace("tasks: 3", "tasks: three"))
    result = prodsys("plan", good)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{good}:6:" in result.stderr
