"""dirac-cwl 1.3.0 itself, in the environment that `scripts/test-peer` makes, beside what we do.

``test_cwl_of_the_field.py`` shows that we take and refuse the files of its suite as these tables
say, and ``tests/e2e/test_cwl.py`` that our productions leave what its programs leave by hand. Here
the peer is asked for the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.configuration.environment import REPOSITORY
from tests.cwl.published import fetch
from tests.integration.test_cwl_of_the_field import OF_THE_PEER, REFUSED_BY_THE_PEER

PEER = REPOSITORY / ".cache" / "dirac-cwl" / "bin"
POINTS = 200_000
#: accepts a file as `dirac-cwl job submit` does, before it starts a job
VERDICTS = """\
import json, sys
from cwl_utils.pack import pack
from cwl_utils.parser import load_document
from dirac_cwl.submission_models import JobSubmissionModel
sys.setrecursionlimit(400)
accepted = []
for path in sys.argv[1:]:
    try:
        JobSubmissionModel(task=load_document(pack(path), baseuri="."), inputs=[])
    except Exception as error:
        print(path, type(error).__name__, file=sys.stderr)
    else:
        accepted.append(path)
print(json.dumps(accepted))
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution of the peer."""
    return fetch(tmp_path_factory.mktemp("packages"), "dirac-cwl==1.3.0")["dirac-cwl"]


def asked(sources: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A command of the peer, with its programs on the path."""
    path = os.pathsep.join([str(PEER), os.environ["PATH"]])
    return subprocess.run(
        [PEER / words[0], *words[1:]],
        cwd=sources,
        env={**os.environ, "PATH": path, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )


def by_hand(sources: Path, folder: Path, module: str, *arguments: str) -> None:
    """A program of the peer, without the peer."""
    program = sources / "src" / "dirac_cwl" / "modules" / f"{module}.py"
    subprocess.run([sys.executable, program, *arguments], cwd=folder, check=True)


def test_the_peer_takes_and_refuses_the_files_that_we_do(sources: Path) -> None:
    folder = sources / "test" / "workflows"
    names = sorted([*OF_THE_PEER, *REFUSED_BY_THE_PEER])
    files = [str(folder / f"{name}.cwl") for name in names]
    accepted = json.loads(asked(sources, "python", "-c", VERDICTS, *files).stdout.splitlines()[-1])
    assert {name for name, file in zip(names, files, strict=True) if file in accepted} == set(
        OF_THE_PEER
    )


def test_a_production_of_the_peer_leaves_what_its_programs_leave_by_hand(
    sources: Path, tmp_path: Path
) -> None:
    workflow = "test/workflows/crypto/description.cwl"
    done = asked(sources, "dirac-cwl", "production", "submit", workflow)
    sums = set(re.findall(r'"checksum": "sha1\$(\w+)"', done.stdout + done.stderr))
    for cipher, shift in {"caesar": ["3"], "base64": [], "md5": [], "rot13": []}.items():
        by_hand(sources, tmp_path, "crypto", cipher, "Hello, World!", *shift)
        made = (tmp_path / f"{cipher}_result.txt").read_bytes()
        assert hashlib.sha1(made, usedforsecurity=False).hexdigest() in sums
    assert len(sums) == 4


def test_a_job_of_the_peer_makes_of_pi_what_its_programs_make_by_hand(
    sources: Path, tmp_path: Path
) -> None:
    """The peer has no production of it: its second step would not wait for the first."""
    inputs = tmp_path / "inputs.yaml"
    inputs.write_text(f"num-points: {POINTS}\n")
    workflow = "test/workflows/pi/description.cwl"
    done = asked(sources, "dirac-cwl", "job", "submit", workflow, "--input-files", inputs)
    (found,) = re.findall(r"Pi approximation: ([\d.]+)", done.stdout + done.stderr)
    by_hand(sources, tmp_path, "pi_simulate", str(POINTS))
    by_hand(sources, tmp_path, "pi_gather", "result.sim")
    ours = (tmp_path / "result_final.sim").read_text().removeprefix("Approximation of Pi: ")
    assert math.isclose(float(found), float(ours), rel_tol=0.01)
