"""``crypto`` and ``pi`` of dirac-cwl's own suite as productions, with its own tools as programs.

What they leave in the catalogue is compared with what the same programs make by hand. The peer can
run ``pi`` as jobs only: the second step of its production would not wait for the first.
"""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.systems import OnDirac
from tests.cwl.published import fetch
from tests.e2e.site import Site

RUN, POINTS = "peer", 200_000
PROGRAMS = {"crypto": "crypto", "pi-simulate": "pi_simulate", "pi-gather": "pi_gather"}
PRODUCTION = """\
version: 1
production: {{name: {name}, vo: sim}}
cwl: {{file: peer/{name}/description.cwl, inputs: {inputs}}}
common: {{se: DISK-A-SE, directory: "/sim/e2e/${{{{ production }}}}/${{{{ run }}}}"}}
steps: {steps}
"""
#: production → inputs of its workflow, and its steps
PRODUCTIONS = {
    "crypto": ("{}", ("caesar_step", "base64_step", "md5_step", "rot13_step")),
    "pi": (f"{{num-points: {POINTS}}}", ("simulate", "gathering")),
}


@pytest.fixture
def programs(tmp_path: Path, site: Site) -> Path:
    """A folder with the peer's programs; its workflows stand with the productions of the site."""
    (tmp_path / "packages").mkdir()
    peer = fetch(tmp_path / "packages", "dirac-cwl==1.3.0")["dirac-cwl"]
    workflows = peer / "test" / "workflows"
    for file in sorted(f for name in ("crypto", "pi") for f in (workflows / name).rglob("*")):
        target = site.productions / "peer" / file.relative_to(workflows)
        if file.suffix in (".cwl", ".yaml"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, module in PROGRAMS.items():
        file = peer / "src" / "dirac_cwl" / "modules" / f"{module}.py"
        words = shlex.join([sys.executable, str(file)])
        (folder / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (folder / name).chmod(0o755)
    (folder / "setup.sh").write_text(f"export PATH={shlex.quote(str(folder))}:$PATH\n")
    return folder


@pytest.mark.timeout(900)
def test_productions_of_the_peer_leave_what_its_tools_leave_by_hand(
    site: Site, programs: Path, tmp_path: Path
) -> None:
    def by_hand(program: str, *arguments: str) -> None:
        subprocess.run([programs / program, *arguments], cwd=tmp_path, check=True)

    for name, (inputs, steps) in PRODUCTIONS.items():
        job = f"{{job: {{software: [{programs / 'setup.sh'}]}}}}"
        text = PRODUCTION.format(
            name=name,
            inputs=inputs,
            steps="{" + ", ".join(f"{step}: {job}" for step in steps) + "}",
        )
        (site.productions / f"{name}.yaml").write_text(text)
        site.begin(name, RUN)
    for name in PRODUCTIONS:
        site.succeeds(name, RUN, 600)

    gateway = OnDirac(site.grid).gateway()

    def made(dataset: str) -> str:
        (lfn,) = gateway.dataset_files(f"/sim/datasets/{dataset}_{RUN}")
        return gateway.read_file(lfn, 65536).decode()

    for cipher, shift in {"caesar": "3", "base64": "", "md5": "", "rot13": ""}.items():
        by_hand("crypto", cipher, "Hello, World!", *([shift] if shift else []))
        assert made(f"crypto_{cipher}_step") == (tmp_path / f"{cipher}_result.txt").read_text()

    by_hand("pi-simulate", str(POINTS))
    by_hand("pi-gather", "result.sim")
    pi, peers = (
        float(text.removeprefix("Approximation of Pi: "))
        for text in (made("pi_gathering"), (tmp_path / "result_final.sim").read_text())
    )
    assert math.isclose(pi, peers, rel_tol=0.01)
