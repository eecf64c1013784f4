"""The proof that CTAO's files are taken as they are: every transformation equals CTADIRAC's own.

The files are those of CTADIRAC's source distributions, and some of our own for job types that these
have no example of. Both sides build where this CTADIRAC is installed, with a Python of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.errors import DefinitionErrors
from tests.integration.ctadirac_sources import productions
from tests.integration.ctadirac_versions import NEW, OLD, PRESENT, Environment

HERE = Path(__file__).parent

#: the one of the files of 3.1.0 that it cannot build itself
BROKEN = "processing_config_from_meta_query.yml"
#: files of the source distribution, those of them that it builds, and their transformations
NUMBERS = {OLD: (60, 59, 483), NEW: (6, 6, 11)}


def dataset_query(name: str, number: int) -> dict[str, Any]:
    """A query as the catalogue may keep it: zeros, wrapped numbers and floats, by turns."""
    words = name.split("_")
    query: dict[str, Any] = {
        "MCCampaign": words[0].upper(),
        "site": next((w for w in words if w in ("Paranal", "LaPalma")), "LaPalma"),
        "array_layout": "Prod6-Hyperarray",
        "particle": next((w for w in words if w in ("gamma", "electron", "proton")), "gamma"),
        "phiP": [180, 180.0, {"=": 180.0}, 0, {"=": 0}][number % 5],
        "thetaP": [20.0, {"=": 20}, 20, {"=": 20.0}][number % 4],
        "tel_sim_prog": "sim_telarray",
        "tel_sim_prog_version": "2020-06-29b",
        "data_level": {"=": -1},
        "outputType": "Data",
        "configuration_id": {"=": 8},
        "nsb": [1, {"=": 1}, 5][number % 3],
    }
    if number % 2:
        query["sct"] = "True"
    for split in ("train_en", "train_cl", "test"):
        if name.endswith(split):
            query["split"] = split
    return query


def datasets_of(texts: list[str]) -> dict[str, dict[str, Any]]:
    """A query for every dataset that is named."""
    lines = [line.strip() for text in texts for line in text.splitlines()]
    named = {line.split(":", 1)[1].strip() for line in lines if line.startswith("dataset:")}
    return {name: dataset_query(name, n) for n, name in enumerate(sorted(named - {""}))}


def ours(step: StepPlan, body: str) -> dict[str, Any]:
    """One transformation of a plan in the words of ``ProductionStep.getAsDict``."""
    spec = step.transformation
    return {
        "name": step.name,
        "stepType": spec.type,
        "plugin": spec.plugin,
        "agentType": spec.agent_type,
        "groupsize": spec.group_size,
        "parentStep": list(step.parents),
        "inputquery": spec.input_query or MetaQuery(),
        "outputquery": spec.output_query or MetaQuery(),
        "body": body,
    }


def theirs(step: dict[str, Any]) -> dict[str, Any]:
    """What CTADIRAC sends, its queries as conditions: ``20``, ``20.0`` and ``{"=": 20}`` alike."""
    decoded = {name: json.loads(step[name]) for name in ("inputquery", "outputquery", "body")}
    queries = {name: MetaQuery.parse(decoded[name] or {}) for name in ("inputquery", "outputquery")}
    same = ("name", "stepType", "plugin", "agentType", "groupsize", "parentStep")
    return {name: step[name] for name in same} | queries | {"body": decoded["body"]}


def differences(
    environment: Environment,
    files: dict[str, str],
    answers: dict[str, dict[str, Any]],
    datasets: dict[str, Any],
    **load: Any,
) -> list[str]:
    """Every field of every transformation that differs."""
    found = []
    plans = {
        name: compile(load_production(text, name, **load), run="r1", datasets=datasets)
        for name, text in files.items()
    }
    bodies = iter(environment.rendered(list(plans.values())))
    for name, plan in plans.items():
        sent = [theirs(step) for step in answers[name]["steps"]]
        mine = [ours(step, next(bodies)) for step in plan.steps]
        if len(sent) != len(mine):
            found.append(f"{name}: {len(sent)} steps there, {len(mine)} here")
        for there, here in zip(sent, mine, strict=False):
            found += [
                f"{name} {there['name']} {field}:\n  there {there[field]}\n  here  {here[field]}"
                for field in there
                if there[field] != here[field]
            ]
    return found


@pytest.fixture(scope="module", params=PRESENT)
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """The environment of each version that can be here."""
    return Environment(request.param, tmp_path_factory.mktemp("ctadirac"))


@pytest.fixture(scope="module")
def files(environment: Environment) -> dict[str, str]:
    """The files of its source distribution."""
    return productions(environment.version)


@pytest.fixture(scope="module")
def datasets(files: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The datasets that they name."""
    return datasets_of(list(files.values()))


@pytest.fixture(scope="module")
def answers(
    environment: Environment, files: dict[str, str], datasets: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """What CTADIRAC builds of them."""
    return environment.builds(files, datasets)


def test_ctadirac_itself_builds_these_files_and_transformations(environment, files, answers):
    built = {name: answer["steps"] for name, answer in answers.items() if "steps" in answer}
    numbers = (len(files), len(built), sum(map(len, built.values())))
    assert numbers == NUMBERS[environment.version]
    broken = [BROKEN] if environment.version == OLD else []
    assert [Path(name).name for name in files if name not in built] == broken


def test_every_transformation_of_these_files_equals_ctadirac_s_to_the_byte(
    environment, files, answers, datasets
):
    built = {name: text for name, text in files.items() if "steps" in answers[name]}
    assert differences(environment, built, answers, datasets) == []


def test_the_file_that_ctadirac_cannot_build_is_refused_with_what_it_lacks():
    name, text = next((n, t) for n, t in productions(OLD).items() if Path(n).name == BROKEN)
    with pytest.raises(DefinitionErrors) as refused:
        load_production(text, name)
    reasons = [(error.line, error.reason) for error in refused.value.errors]
    assert reasons == [
        (17, "key 'data_level' is missing"),
        (20, "unknown key 'ctapipe_site_config'"),
        (28, "key 'output_extension' is missing"),
    ]


OWN = sorted((HERE / "ctao").glob("*.yml"))


def test_job_types_and_keys_without_an_example_equal_ctadirac_s_too(environment):
    configurations = {p.name: p.read_text() for p in (HERE / "ctao" / "other_files").iterdir()}
    for name, text in configurations.items():
        (environment.folder / name).write_text(text)
    files = {path.name: path.read_text() for path in OWN}
    datasets = datasets_of(list(files.values()))
    answers = environment.builds(files, datasets)
    assert {name: answer.get("error") for name, answer in answers.items()} == dict.fromkeys(files)
    read = {"read_sibling": configurations.get}
    assert differences(environment, files, answers, datasets, **read) == []
