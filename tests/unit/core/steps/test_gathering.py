"""A step that gathers the outputs of many takes these and no others, by few fields."""

from __future__ import annotations

import json
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile as compile_plan
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.query.meta_query import MetaQuery, join
from dirac_prodsys.core.steps.gathering import FIELD
from dirac_prodsys.core.steps.linking import MAX_CONDITION
from dirac_prodsys.errors import DefinitionErrors, MetaQueryError
from tests.unit.core.writing import make, step

RUN = "r1"
OF_THE_RUN = "${{ run }}"

#: metadata of an output: few fields of few values, so that outputs are often alike
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "run": st.just(OF_THE_RUN),
        "step": st.just("${{ step }}"),
        "a": st.sampled_from([1, 2, "x"]),
        "b": st.sampled_from([1, 2]),
        "c": st.sampled_from(["u", "v"]),
    },
).filter(bool)
OF_FILES = st.dictionaries(
    st.sampled_from(["kind", "part"]), st.lists(st.sampled_from([1, 2, 3]), min_size=1, unique=True)
)
OUTPUTS = st.lists(st.tuples(METADATA, OF_FILES), min_size=2, max_size=6)
WHERE = st.sampled_from([{}, {}, {"kind": [1, 2]}, {"a": {">": 0}}])


def made(number: int, metadata: dict[str, Any], of_files: dict[str, Any]) -> dict[str, Any]:
    """The output of a step in a directory of its own."""
    clean = {name: some for name, some in of_files.items() if name not in metadata}
    return {
        "directory": f"/sim/p/${{{{ run }}}}/{number}",
        "se": "DISK-A-SE",
        "metadata": metadata,
        "file_metadata": clean,
        "files": [f"{n}_@{{JOB_ID}}" for n in range(6)],
    }


def files(plan: ProductionPlan) -> list[tuple[str, dict[str, Any]]]:
    """Every kind of file that a production may make: its step and all its metadata."""
    found = []
    for each in plan.steps:
        query = each.transformation.output_query
        if query is None:
            continue
        forms = query.to_dirac()
        values = [form.get("in", [form.get("=")]) for form in forms.values()]
        for some in product(*values):
            found.append((each.name, dict(zip(forms, some, strict=True))))
    return found


def exact(query: MetaQuery, parents: set[str], where: MetaQuery, plan: ProductionPlan) -> bool:
    """Whether a query takes what is wanted of the parents' files, and no other files."""
    return all(
        query.matches(metadata) == (name in parents and where.matches(metadata))
        for name, metadata in files(plan)
    )


def smallest(parents: set[str], plan: ProductionPlan, strict: bool) -> int | None:
    """The fewest fields that do it, by brute force; ``strict``: what is not declared may be so."""
    queries = [s.transformation.output_query for s in plan.steps if s.name in parents]
    declared = [query.listed for query in queries if query is not None]
    fields = [f for f in declared[0] if f != FIELD and all(f in one for one in declared)]
    unions = {f: frozenset().union(*(one[f] for one in declared)) for f in fields}
    others = [metadata for name, metadata in files(plan) if name not in parents]
    for size in range(1, len(fields) + 1):
        for some in combinations(fields, size):
            apart = all(
                any((not strict if f not in file else file[f] not in unions[f]) for f in some)
                for file in others
            )
            if "run" in some and apart:
                return size
    return None


@settings(max_examples=100, deadline=None, derandomize=True)
@given(OUTPUTS, st.tuples(METADATA, OF_FILES), WHERE, st.data())
def test_what_is_gathered_is_exactly_what_the_parents_made_and_by_the_fewest_fields(
    outputs, own, where, data
):
    names = [f"s{number}" for number in range(len(outputs))]
    parents = data.draw(st.lists(st.sampled_from(names), min_size=2, unique=True))
    steps = {
        name: step("MCSimulation", output=made(number, *outputs[number]))
        for number, name in enumerate(names)
    }
    child = step("Merging", output=made(99, *own))
    child["input"] = {"from": parents, "where": where}
    try:
        plan = compile_plan(make(**steps, all=child), run=RUN)
    except DefinitionErrors as errors:
        codes = {error.code for error in errors.errors}
        assert codes <= {"inexact-join", "eats-output", "empty-link"}
        if "inexact-join" in codes and not where:  # nothing is common that names the run
            assert not all("run" in outputs[int(name[1:])][0] for name in parents)
        return
    query = next(s for s in plan.steps if s.name == "all").transformation.input_query
    wanted = MetaQuery.parse(where)
    assert exact(query, set(parents), wanted, plan)
    parts = []
    for each in plan.steps:
        if each.name in parents:
            given = each.transformation.output_query
            parts.append(given.only(*(f for f in given.fields if f != FIELD)).refine(wanted))
    try:
        assert query == join(parts)
    except MetaQueryError:
        assert query.only("run") == MetaQuery.parse({"run": RUN})
        if not where:
            strict, loose = (smallest(set(parents), plan, strict) for strict in (True, False))
            expected = strict if strict is not None else loose
            assert len(query.fields) == (2 if expected is None else expected)
            assert (FIELD in query.fields) == (expected is None)


#: three axes, as many branches as a matrix may have
AXES = {
    "particle": ["gamma", "gamma-diffuse", *(f"nucleus-{number}" for number in range(8))],
    "zenith": list(range(10, 70, 5)),
    "azimuth": list(range(0, 360, 45)),
}
#: fewer, of which a list of all names is still too long
FEWER = {**AXES, "particle": AXES["particle"][:5], "azimuth": [0, 180]}
COMMON = {
    "directory": "/sim/p/${{ run }}",
    "se": "DISK-A-SE",
    "metadata": {"run": OF_THE_RUN, "step": "${{ step }}"},
}


def matrix(axes: dict[str, list[Any]], common: dict[str, Any] = COMMON, **steps: Any) -> Production:
    """A production of a matrix; ``steps`` beside ``simulate``, which has a branch for each."""
    made = {"simulate": step("MCSimulation", output={"files": ["e_@{JOB_ID}"]}), **steps}
    data = {
        "version": 1,
        "production": {"name": "p", "vo": "sim"},
        "common": common,
        "matrix": axes,
        "steps": made,
    }
    return load_production(json.dumps(data, indent=1), "p.yaml")


def merge(parent: str, *axes: str, **more: Any) -> dict[str, Any]:
    """A step that gathers all axes but these."""
    output = {"files": ["m_@{JOB_ID}"]}
    return step("Merging", parent, matrix=list(axes), output=output, **more)


def taken(plan: ProductionPlan, name: str) -> set[str]:
    """The steps whose files a step takes, by its query and the directories of all."""
    query = next(s for s in plan.steps if s.name == name).transformation.input_query
    return {
        each.name
        for each in plan.steps
        for directory in each.transformation.directories
        if query is not None and query.matches(directory.metadata)
    }


def query_of(plan: ProductionPlan, name: str) -> dict[str, Any]:
    """The input query of a step, in DIRAC's form."""
    query = next(s for s in plan.steps if s.name == name).transformation.input_query
    return {} if query is None else query.to_dirac()


def added(plan: ProductionPlan) -> dict[str, int]:
    """Step → the number that the planner put on its directory."""
    return {
        each.name: int(directory.metadata[FIELD])
        for each in plan.steps
        for directory in each.transformation.directories
        if FIELD in directory.metadata
    }


def test_any_axes_of_960_branches_are_gathered_without_metadata_written_for_it() -> None:
    kept = [some for size in range(3) for some in combinations(AXES, size)]
    steps = {"-".join(("m", *some)): merge("simulate", *some) for some in kept}
    plan = compile_plan(matrix(AXES, **steps), run=RUN)
    parents = {each.name: set(each.parents) for each in plan.steps}
    gathering = [each.name for each in plan.steps if each.parents]
    assert len(gathering) == 1 + 10 + 12 + 8 + 10 * 12 + 10 * 8 + 12 * 8
    for name in gathering[::7]:
        assert taken(plan, name) == parents[name]
        assert all(len(str(form)) <= MAX_CONDITION for form in query_of(plan, name).values())
    assert taken(plan, "m") == parents["m"]
    assert query_of(plan, "m") == {FIELD: {">=": 1, "<=": 960}, "run": {"=": RUN}}


def test_one_gather_of_many_branches_asks_for_one_number() -> None:
    axes = {"particle": ["gamma", "proton"], "zenith": list(range(90)), "azimuth": [0]}
    plan = compile_plan(matrix(axes, all=merge("simulate", "particle")), run=RUN)
    for name, number in (("all-gamma", 1), ("all-proton", 2)):
        assert query_of(plan, name) == {FIELD: {"=": number}, "run": {"=": RUN}}
        assert len(taken(plan, name)) == 90


def test_where_all_can_be_asked_for_it_is_and_nothing_is_added() -> None:
    plan = compile_plan(matrix({"z": [20, 40]}, all=merge("simulate")), run=RUN)
    steps = {"in": ["simulate-20", "simulate-40"]}
    assert query_of(plan, "all") == {"run": {"=": RUN}, "step": steps}
    assert added(plan) == {}


def test_a_field_that_names_the_production_is_kept_beside_the_one_that_names_the_run() -> None:
    for name in ("p", "${{ production }}"):
        common = {**COMMON, "metadata": {**COMMON["metadata"], "campaign": name, "site": "north"}}
        plan = compile_plan(matrix(FEWER, common, all=merge("simulate")), run=RUN)
        assert set(query_of(plan, "all")) == {"run", "campaign", FIELD}


def test_what_is_gathered_is_gathered_again_copied_removed_narrowed_and_a_dataset() -> None:
    places = {"TargetSE": "DISK-B-SE"}
    copy = {"type": "Replication", "matrix": [], "plugin_parameters": places}
    remove = {
        "type": "Removal",
        "matrix": ["particle"],
        "input": {"from": "simulate"},
        "job": {"type": "request", "operations": [{"type": "RemoveFile"}]},
        "after": ["all", "copied", "one"],
    }
    narrowed = {"from": "simulate", "where": {"size": {">": 5}}}
    production = matrix(
        FEWER,
        every=merge("simulate", "particle", "zenith"),
        some=merge("every", "particle"),
        all=merge("some", dataset={"name": "/sim/datasets/p_${{ run }}"}),
        copy={**copy, "input": {"from": "simulate"}},
        copied=merge("copy"),
        one={**merge("simulate"), "input": narrowed},
        removal=remove,
    )
    plan = compile_plan(production, run=RUN)
    for each in plan.steps:
        if each.parents and each.name not in ("one", "copied"):
            assert taken(plan, each.name) == set(each.parents)
    assert query_of(plan, "copied") == query_of(plan, "copy")
    assert query_of(plan, "one")["size"] == {">": 5}
    assert set(query_of(plan, "one")) == {"run", "size", FIELD}
    dataset = next(s.dataset for s in plan.steps if s.name == "all")
    assert dataset is not None
    assert dataset.query.to_dirac() == {"run": {"=": RUN}, "step": {"=": "all"}}


def hints_of(**steps: Any) -> dict[str, str]:
    """Code → hint of what is wrong with a production of these steps."""
    with pytest.raises(DefinitionErrors) as caught:
        compile_plan(make(**steps), run=RUN)
    return {error.code: error.hint for error in caught.value.errors}


def test_outputs_that_no_field_ties_to_the_run_are_not_gathered_and_the_hint_says_so() -> None:
    axes = {"a": [1, 2], "b": [1, 2]}
    common = {**COMMON, "metadata": {"step": "${{ step }}"}}
    simulate = {
        "type": "MCSimulation",
        "tasks": 2,
        "job": {"type": "script", "executable": "x"},
        "output": {"metadata": {"a": "${{ matrix.a }}"}, "files": ["e_@{JOB_ID}"]},
    }
    with pytest.raises(DefinitionErrors) as caught:
        matrix(axes, common, simulate=simulate, all=merge("simulate"))
    (error,) = caught.value.errors
    assert error.code == "inexact-join"
    assert 'run: "${{ run }}" in common.metadata' in error.hint


def test_a_directory_within_that_of_another_step_gets_no_field_that_both_would_have() -> None:
    def one(name: str, directory: str, **metadata: Any) -> dict[str, Any]:
        own = {"run": OF_THE_RUN, **metadata}
        place = {"directory": f"/sim/p/${{{{ run }}}}/{directory}", "metadata": own}
        return step("MCSimulation", output={"se": "DISK-A-SE", **place})

    steps = {
        "r": one("r", "r", a=1, b=1),
        "s": one("s", "s", a=2, b=2),
        "t": one("t", "t", a=1, b=2),
        "all": step("Merging", "r", "s"),
    }
    assert set(added(compile_plan(make(**steps), run=RUN))) == {"r", "s"}
    within = one("u", "r/u")
    del within["output"]["metadata"]["run"]
    within["output"]["metadata"] = {"c": 1}
    hints = hints_of(**steps, u=within)
    assert hints == {
        "inexact-join": "give the outputs of these parents one more field in their metadata, with "
        "one value that no other output has, such as for: all"
    }


def test_copies_of_parts_are_gathered_only_if_one_query_says_which_parts() -> None:
    def made_of(name: str, **metadata: Any) -> dict[str, Any]:
        own = {"run": OF_THE_RUN, "step": name, **metadata}
        return step(
            "MCSimulation",
            output={
                "directory": f"/sim/p/${{{{ run }}}}/{name}",
                "se": "DISK-A-SE",
                "metadata": own,
                "file_metadata": {"kind": ["x", "y"]},
                "files": ["a_@{JOB_ID}", "b_@{JOB_ID}"],
            },
        )

    def copy(parent: str, kind: str) -> dict[str, Any]:
        source = {"from": parent, "where": {"kind": kind}}
        return {
            "type": "Replication",
            "plugin_parameters": {"TargetSE": "DISK-B-SE"},
            "input": source,
        }

    both = {"r": made_of("r", a=1), "s": made_of("s", a=2)}
    alike = {"c": copy("r", "x"), "d": copy("s", "x")}
    plan = compile_plan(make(**both, **alike, all=step("Merging", "c", "d")), run=RUN)
    assert query_of(plan, "all") == {"kind": {"=": "x"}, "run": {"=": RUN}}
    other = {"c": copy("r", "x"), "d": copy("s", "y")}
    assert set(hints_of(**both, **other, all=step("Merging", "c", "d"))) == {"inexact-join"}
