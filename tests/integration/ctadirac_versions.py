"""The environments with the versions of CTADIRAC that we speak: each with a Python of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dirac_prodsys
from dirac_prodsys.communities.ctao.body import SPOKEN
from dirac_prodsys.core.plan.values import ProductionPlan
from sandbox.configuration.environment import REPOSITORY

#: the version beside us, and the one that needs a newer Python
OLD, NEW = SPOKEN


def _has_newer_python() -> bool:
    look = ". scripts/find-python.sh; find_python 3.12; find_python 3.13"
    done = subprocess.run(["bash", "-c", look], cwd=REPOSITORY, capture_output=True, check=False)
    return bool(done.stdout.strip())


#: the versions that this machine has a Python for
PRESENT = (OLD, NEW) if _has_newer_python() else (OLD,)
#: those of them that need a newer Python than ours
NEWER = PRESENT[1:]


def python_of(version: str) -> str:
    """The Python of the environment with this CTADIRAC; it is made if it is missing."""
    if version == OLD:
        return sys.executable
    made = subprocess.run(
        [REPOSITORY / "scripts" / "setup-ctadirac"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@dataclass(frozen=True)
class Environment:
    """A CTADIRAC in an environment of its own, as an agent would run it, and what it was asked."""

    version: str
    folder: Path

    def run(self, program: str, request: Any) -> Any:
        """Ask a program beside this file, without proxy and configuration."""
        (self.folder / "request.json").write_text(json.dumps(request))
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("DIRAC", "X509"))}
        nothing = {"HOME": str(self.folder), "X509_USER_PROXY": str(self.folder / "no-proxy")}
        ours = {"PYTHONPATH": str(Path(dirac_prodsys.__file__).parents[1])}
        done = subprocess.run(
            [
                python_of(self.version),
                Path(__file__).with_name(program),
                "request.json",
                "answer.json",
            ],
            cwd=self.folder,
            env={**environment, **nothing, **ours},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return json.loads((self.folder / "answer.json").read_text())

    def builds(self, files: dict[str, str], datasets: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What CTADIRAC builds of each file."""
        answer = self.run("ctadirac_side.py", {"files": files, "datasets": datasets})
        assert isinstance(answer, dict)
        return answer

    def rendered(self, plans: Sequence[ProductionPlan]) -> list[str]:
        """The bodies of all steps of the plans."""
        steps = [step for plan in plans for step in plan.steps]
        request = [step.transformation.body.model_dump(mode="json") for step in steps]
        answer = self.run("our_side.py", request)
        assert len(answer) == len(steps)
        return [str(body) for body in answer]
