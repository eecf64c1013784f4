"""The proof that CTAO's files are taken as they are: every transformation equals CTADIRAC's own.

The files are those of CTADIRAC's source distribution, and some of our own for job types that it has
no example of.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.errors import DefinitionErrors
from dirac_prodsys.gateway.bodies import render
from tests.integration.ctadirac_sources import productions

HERE = Path(__file__).parent

#: the one of the 60 files that CTADIRAC 3.1.0 cannot build
BROKEN = "processing_config_from_meta_query.yml"


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


def ask_ctadirac(
    files: dict[str, str], datasets: dict[str, Any], folder: Path
) -> dict[str, dict[str, Any]]:
    """What it builds of each file, without proxy and configuration."""
    (folder / "request.json").write_text(json.dumps({"files": files, "datasets": datasets}))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DIRAC", "X509"))}
    nothing = {"HOME": str(folder), "X509_USER_PROXY": str(folder / "no-proxy")}
    done = subprocess.run(
        [sys.executable, HERE / "ctadirac_side.py", "request.json", "answer.json"],
        cwd=folder,
        env={**environment, **nothing},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    answer: dict[str, dict[str, Any]] = json.loads((folder / "answer.json").read_text())
    return answer


def ours(plan: ProductionPlan, step: StepPlan) -> dict[str, Any]:
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
        "body": render(spec.body),
    }


def theirs(step: dict[str, Any]) -> dict[str, Any]:
    """What CTADIRAC sends, its queries as conditions: ``20``, ``20.0`` and ``{"=": 20}`` alike."""
    decoded = {name: json.loads(step[name]) for name in ("inputquery", "outputquery", "body")}
    queries = {name: MetaQuery.parse(decoded[name] or {}) for name in ("inputquery", "outputquery")}
    same = ("name", "stepType", "plugin", "agentType", "groupsize", "parentStep")
    return {name: step[name] for name in same} | queries | {"body": decoded["body"]}


def differences(
    files: dict[str, str], answers: dict[str, dict[str, Any]], datasets: dict[str, Any], **load: Any
) -> list[str]:
    """Every field of every transformation that differs."""
    found = []
    for name, text in files.items():
        plan = compile(load_production(text, name, **load), run="r1", datasets=datasets)
        sent = [theirs(step) for step in answers[name]["steps"]]
        mine = [ours(plan, step) for step in plan.steps]
        if len(sent) != len(mine):
            found.append(f"{name}: {len(sent)} steps there, {len(mine)} here")
        for there, here in zip(sent, mine, strict=False):
            found += [
                f"{name} {there['name']} {field}:\n  there {there[field]}\n  here  {here[field]}"
                for field in there
                if there[field] != here[field]
            ]
    return found


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The 60 files."""
    return productions()


@pytest.fixture(scope="module")
def datasets(files: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The datasets that they name."""
    return datasets_of(list(files.values()))


@pytest.fixture(scope="module")
def answers(
    files: dict[str, str], datasets: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What CTADIRAC builds of them."""
    return ask_ctadirac(files, datasets, tmp_path_factory.mktemp("ctadirac"))


def test_ctadirac_itself_builds_59_of_its_60_files_and_483_transformations(files, answers):
    built = {name: answer["steps"] for name, answer in answers.items() if "steps" in answer}
    assert (len(files), len(built), sum(map(len, built.values()))) == (60, 59, 483)
    assert [Path(name).name for name in files if name not in built] == [BROKEN]


def test_every_transformation_of_these_files_equals_ctadirac_s_to_the_byte(
    files, answers, datasets
):
    built = {name: text for name, text in files.items() if "steps" in answers[name]}
    assert differences(built, answers, datasets) == []


def test_the_file_that_ctadirac_cannot_build_is_refused_with_what_it_lacks(files):
    name, text = next((n, t) for n, t in files.items() if Path(n).name == BROKEN)
    with pytest.raises(DefinitionErrors) as refused:
        load_production(text, name)
    reasons = [(error.line, error.reason) for error in refused.value.errors]
    assert reasons == [
        (17, "key 'data_level' is missing"),
        (20, "unknown key 'ctapipe_site_config'"),
        (28, "key 'output_extension' is missing"),
    ]


OWN = sorted((HERE / "ctao").glob("*.yml"))


def test_job_types_and_keys_without_an_example_equal_ctadirac_s_too(tmp_path):
    configurations = {p.name: p.read_text() for p in (HERE / "ctao" / "other_files").iterdir()}
    for name, text in configurations.items():
        (tmp_path / name).write_text(text)
    files = {path.name: path.read_text() for path in OWN}
    datasets = datasets_of(list(files.values()))
    answers = ask_ctadirac(files, datasets, tmp_path)
    assert {name: answer.get("error") for name, answer in answers.items()} == dict.fromkeys(files)
    assert differences(files, answers, datasets, read_sibling=configurations.get) == []
