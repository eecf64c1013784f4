"""A production that nobody watches, on the whole of DIRAC, while everything goes wrong.

A fifth of the jobs fail, one site never works, files vanish, the agents are off for two minutes, a
file comes late. It reaches its dataset, says what went wrong, and no file is processed twice.
"""

from __future__ import annotations

import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.e2e.site import Site

NAME, RUN = "unattended", "run"
WORKLOAD = Path(__file__).with_name("workload.py")
BAD_SITE = "SIM.SiteB.org"
MADE = 8
OFF_SECONDS = 120.0

STEP = """
  {step}:
    type: {type}
    {more}
    job:
      type: script
      executable: {python}
      arguments: "{workload} {step} @{{JOB_ID}} {share} {bad}"
      cpu_time: 600
    output:
      directory: /sim/unattended/${{{{ run }}}}/{step}
      se: DISK-A-SE
      metadata: {{production: {name}, run: "${{{{ run }}}}", step: {step}}}
      files: ["{step}_@{{JOB_ID}}.txt"]
"""


def step(name: str, kind: str, more: str, bad: str = BAD_SITE, share: float = 0.2) -> str:
    return STEP.format(
        name=NAME,
        step=name,
        type=kind,
        more=textwrap.dedent(more).strip().replace("\n", "\n    "),
        python=sys.executable,
        workload=WORKLOAD,
        share=share,
        bad=bad,
    )


def production() -> str:
    return "".join(
        (
            f"version: 1\nproduction: {{name: {NAME}, vo: sim}}\nsteps:",
            step(
                "simulate",
                "MCSimulation",
                f"""
                tasks: {MADE}
                policy: {{extend: {{up_to: 4.0, chunk: 4, max_failed: 0.9}}}}
                """,
            ),
            """
  copy:
    type: Replication
    group_size: 3
    plugin_parameters: {SourceSE: DISK-A-SE, TargetSE: DISK-B-SE}
    input: {from: simulate}
""",
            step(
                "process",
                "DataProcessing",
                f"""
                input: {{from: copy}}
                start: on_complete
                policy:
                  max_problematic: 1
                  stall_after: 0.01
                  recovery: {{errors: [{{then: retry_elsewhere, site: {BAD_SITE}}}]}}
                """,
            ),
            step(
                "merge",
                "Merging",
                """
                input: {from: process}
                group_size: 3
                policy: {stall_after: 0.01}
                """,
            ),
            "    dataset: {name: '/sim/datasets/unattended_${{ run }}', min_files: 3}\n",
        )
    )


@pytest.mark.timeout(900)
def test_a_production_reaches_its_dataset_whatever_fails(full_site: Site) -> None:
    site = full_site
    (site.productions / f"{NAME}.yaml").write_text(production())
    site.begin(NAME, RUN)
    began = time.monotonic()
    run = site.rest.wait_for_run(NAME, RUN, 600)
    print(time.monotonic() - began, site.states(NAME, RUN))
    assert run["state"] == "success"
