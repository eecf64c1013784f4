"""CTAO's own workflows, fetched from the package index: each is a job; some are productions.

``docs/how-to/cwl.md`` shows the same table. The files are not ours, and are kept nowhere.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import inspect
from dirac_prodsys.core.text import reader
from dirac_prodsys.errors import DefinitionErrors

#: package → folder of its workflows
PACKAGES = {
    "ctadirac==3.3.1": "tests/resources/cwl",
    "ctao-datapipe==0.5.0": "workflows",
    "ctao-calibpipe==0.8.0": "workflows",
    "ctao-wms-clients==0.10.0": "src/wms/tests/cwl",
}
#: workflow → number of steps as a production, or words of the one reason why it is none
EXPECTED = {
    "ctadirac/basic_workflow/gaussian-fit-workflow": 2,
    "ctadirac/complex_workflow/perform-camera-calibration": "depends on files ('input_files')",
    "ctadirac/expression_tool/process_dl0_dl1_multiple": "an expression over files",
    "ctadirac/expression_tool_scatter/process_dl0_dl1_multiple": "an expression over files",
    "ctadirac/scatter_feat_requirement/process_dl0_dl1_multiple": "scatters over values",
    "ctadirac/step_input_requirement/workflow_dl0_to_dl2": "gives nothing to its input",
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
HEAD = "version: 1\nproduction: {name: x, vo: ctao}\n"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each package."""
    root = tmp_path_factory.mktemp("packages")
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "--ignore-requires-python", "-d", root, *PACKAGES], check=True)
    found = {}
    for archive in root.glob("*.tar.gz"):
        with tarfile.open(archive) as opened:
            opened.extractall(root, filter="data")
    for package, folder in PACKAGES.items():
        name, _, version = package.partition("==")
        found[name] = root / f"{name.replace('-', '_')}-{version}" / folder
    return found


def value(written: object) -> str:
    """A value for an input, as YAML; empty: it has a default, or needs none."""
    kind = str(written["type"] if isinstance(written, dict) else written)
    if "File[]" in kind or ("array" in kind and "File" in kind):
        return "{lfns: [/ctao/one.h5, /ctao/two.h5]}"
    if "File" in kind and "?" not in kind:
        return '"LFN:/ctao/one.h5"'
    if isinstance(written, dict) and "default" in written:
        return ""
    return {"string[]": "[a, b]", "string": "word", "boolean": "true"}.get(kind, "")


def verdict(text: str, folder: Path) -> int | list[str]:
    """The number of steps, or what is wrong."""

    def read(name: str) -> str | None:
        file = folder / name
        return file.read_text("utf-8") if file.is_file() else None

    try:
        found = inspect(text, "x.yaml", read_sibling=read)
    except DefinitionErrors as errors:
        return [error.reason for error in errors.errors]
    if found.mistakes or found.plan is None:
        return [error.reason for error in found.mistakes]
    return len(found.plan.steps)


@pytest.mark.timeout(900)
def test_each_workflow_is_mapped_or_refused_as_the_page_says(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIRAC_PRODSYS_CWL_JAVASCRIPT", "1")
    wrong = {}
    for name, expected in EXPECTED.items():
        package, _, file = name.partition("/")
        folder = folders[package]
        data = reader.parse((folder / f"{file}.cwl").read_bytes(), name).data
        given = {key: value(entry) for key, entry in data["inputs"].items()}
        lines = "".join(f"    {key}: {text}\n" for key, text in given.items() if text)
        text = f"{HEAD}common: {{se: A-SE}}\ncwl:\n  file: {file}.cwl\n  inputs:\n{lines}"
        found = verdict(text, folder)
        fits = found == expected
        if isinstance(expected, str):
            fits = isinstance(found, list) and all(expected in reason for reason in found)
        if not fits:
            wrong[name] = found
        job = f"{{type: cwl, file: {file}.cwl}}"
        as_job = verdict(
            f"{HEAD}steps: {{s: {{type: MCSimulation, tasks: 1, job: {job}}}}}\n", folder
        )
        reasons = as_job if isinstance(as_job, list) else []
        left = [reason for reason in reasons if "gets no value" not in reason]
        if left and "gives nothing" not in left[0]:
            wrong[f"{name} as a job"] = left
    assert wrong == {}
