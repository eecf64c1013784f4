"""Workflows of others, fetched from the package index: CTAO's, and the suite of dirac-cwl.

Each is a job, some are productions; ``docs/how-to/cwl.md`` shows the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import inspect
from dirac_prodsys.core.text import reader
from dirac_prodsys.errors import DefinitionError, DefinitionErrors
from tests.cwl.published import fetch

#: package → folder of its workflows
PACKAGES = {
    "ctadirac==3.3.1": "tests/resources/cwl",
    "ctao-datapipe==0.5.0": "workflows",
    "ctao-calibpipe==0.8.0": "workflows",
    "ctao-wms-clients==0.10.0": "src/wms/tests/cwl",
    "dirac-cwl==1.3.0": "test/workflows",
}
#: workflow → number of steps as a production, or words of the one reason why it is none
EXPECTED = {
    "ctadirac/basic_workflow/gaussian-fit-workflow": 2,
    "ctadirac/complex_workflow/perform-camera-calibration": "depends on files ('input_files')",
    "ctadirac/expression_tool/process_dl0_dl1_multiple": "an expression over files",
    "ctadirac/expression_tool_scatter/process_dl0_dl1_multiple": "an expression over files",
    "ctadirac/scatter_feat_requirement/process_dl0_dl1_multiple": "pairs each file with a value",
    "ctadirac/step_input_requirement/workflow_dl0_to_dl2": "gives nothing to its input 'dl0'",
    "ctao-calibpipe/array/uc-120-2.32-telescope-energy-cross-calibration": "is string, and gets",
    "ctao-calibpipe/array/uc-120-2.33-telescope-image-inter-calibration": "is string, and gets",
    "ctao-calibpipe/telescope/camera/uc-120-2.20-perform-camera-calibration": 7,
    "ctao-calibpipe/telescope/psf/uc-120-2.10-optical-psf-measurements-with-muons": (
        "depends on files ('input_files')"
    ),
    "ctao-calibpipe/telescope/throughput/uc-120-2.2-optical-throughput-calibration-with-muons": (
        "depends on files ('input_files')"
    ),
    "ctao-datapipe/process_dl0_dl1_multiple": "an expression over files",
    "ctao-datapipe/workflow_dl0_to_dl2": 2,
    "ctao-datapipe/workflow_optimize_and_irf": 2,
    "ctao-datapipe/workflow_process_ob_to_dl1": "an expression over files",
    "ctao-wms-clients/basic_workflow/gaussian-fit-workflow": 2,
    "ctao-wms-clients/scatter_workflow/scatter_workflow": 2,
}
#: file of dirac-cwl's suite → steps as a production, or words of the one reason why it is none
TOOL = "this is a CommandLineTool, and a production is a Workflow"
OF_THE_PEER = {
    "crypto/base64": TOOL,
    "crypto/caesar": TOOL,
    "crypto/description": 4,
    "crypto/md5": TOOL,
    "crypto/rot13": TOOL,
    "helloworld/description_basic": TOOL,
    "helloworld/description_with_inputs": TOOL,
    "job_grouping/job_grouping": 1,
    "parallel/description": 2,
    "parallel/sleep": TOOL,
    "pi/description": 2,
    "pi/pigather": TOOL,
    "pi/pisimulate": TOOL,
    "test_meta/test_meta": TOOL,
    "test_outputs/test_outputs": TOOL,
    "test_outputs/test_outputs_sandbox": TOOL,
}
#: those that dirac-cwl refuses, and why we do
REFUSED_BY_THE_PEER = {
    "bad_references/reference_circular1": "these processes run each other",
    "bad_references/reference_circular2": "these processes run each other",
    "bad_references/reference_doesnotexists": "there is no readable file",
    "bad_references/reference_itself": "these processes run each other",
    "malformed_description/description_malformed_class": "there is no class 'NewClass'",
    "malformed_description/description_malformed_command": "unknown field 'baseComand'",
}
HEAD = "version: 1\nproduction: {name: x, vo: ctao}\n"
ONE, TWO = '"LFN:/ctao/one.h5"', '"LFN:/ctao/two.h5"'


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each package."""
    found = fetch(tmp_path_factory.mktemp("packages"), *PACKAGES)
    return {
        name: found[name] / folder
        for package, folder in PACKAGES.items()
        for name in [package.partition("==")[0]]
    }


@pytest.fixture(autouse=True)
def javascript_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIRAC_PRODSYS_CWL_JAVASCRIPT", "1")


def value(written: object, files: str) -> str:
    """A value for an input, as YAML; empty: it has a default, or needs none."""
    kind = str(written["type"] if isinstance(written, dict) else written)
    if "File[]" in kind or ("array" in kind and "File" in kind):
        return files
    if "File" in kind and "?" not in kind:
        return ONE
    if isinstance(written, dict) and "default" in written:
        return ""
    return {"string[]": "[a, b]", "string": "word", "boolean": "true", "int": "1"}.get(kind, "")


def given(folder: Path, file: str, files: str) -> str:
    """Values for the inputs of a workflow, as YAML."""
    found = reader.parse((folder / f"{file}.cwl").read_bytes(), file).data["inputs"]
    inputs = found.items() if isinstance(found, dict) else ()
    pairs = {key: value(entry, files) for key, entry in inputs}
    return "{" + ", ".join(f"{key}: {text}" for key, text in pairs.items() if text) + "}"


def as_production(folder: Path, file: str) -> int | list[str]:
    """The number of steps, or what is wrong."""
    inputs = given(folder, file, "{lfns: [/ctao/one.h5, /ctao/two.h5]}")
    cwl = f"cwl: {{file: {file}.cwl, inputs: {inputs}}}\n"
    return verdict(f"{HEAD}common: {{se: A-SE}}\n{cwl}", folder)


def as_job(folder: Path, file: str) -> int | list[str]:
    """1, or what is wrong."""
    job = f"{{type: cwl, file: {file}.cwl, inputs: {given(folder, file, f'[{ONE}, {TWO}]')}}}"
    return verdict(f"{HEAD}steps: {{s: {{type: MCSimulation, tasks: 1, job: {job}}}}}\n", folder)


def verdict(text: str, folder: Path) -> int | list[str]:
    """The number of steps, or what is wrong."""

    def read(name: str) -> str | None:
        file = folder / name
        return file.read_text("utf-8") if file.is_file() else None

    try:
        found = inspect(text, "x.yaml", read_sibling=read)
    except DefinitionErrors as errors:
        return [reason_of(error) for error in errors.errors]
    if found.mistakes or found.plan is None:
        return [reason_of(error) for error in found.mistakes]
    return len(found.plan.steps)


def reason_of(error: DefinitionError) -> str:
    """The reason of a finding that has a line and a way out."""
    assert error.line, error
    assert error.hint, error
    return error.reason


def differing(
    folder: Path, expected: dict[str, int | str]
) -> Iterator[tuple[str, int | list[str], int | list[str]]]:
    """Yield files whose verdict, as a production or as a job, is not the one expected."""
    for file, wanted in expected.items():
        production, job = as_production(folder, file), as_job(folder, file)
        fits = production == wanted
        if isinstance(wanted, str):
            fits = isinstance(production, list) and len(production) == 1
            fits = fits and wanted in production[0]
        if not fits or job != 1:
            yield file, production, job


@pytest.mark.timeout(900)
@pytest.mark.parametrize("package", sorted({name.partition("/")[0] for name in EXPECTED}))
def test_each_workflow_of_ctao_is_mapped_or_refused_once_and_a_job(
    folders: dict[str, Path], package: str
) -> None:
    own = {
        name.partition("/")[2]: wanted
        for name, wanted in EXPECTED.items()
        if name.startswith(f"{package}/")
    }
    assert list(differing(folders[package], own)) == []


def test_the_suite_of_the_peer_is_accepted_and_refused_as_by_the_peer(
    folders: dict[str, Path],
) -> None:
    folder = folders["dirac-cwl"]
    there = {str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.cwl")}
    assert there == OF_THE_PEER.keys() | REFUSED_BY_THE_PEER.keys()
    assert len(there) == 22
    assert list(differing(folder, OF_THE_PEER)) == []
    for file, words in REFUSED_BY_THE_PEER.items():
        for found in (as_production(folder, file), as_job(folder, file)):
            assert isinstance(found, list)
            assert len(found) == 1
            assert words in found[0]
