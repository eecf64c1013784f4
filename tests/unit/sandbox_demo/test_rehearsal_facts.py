"""What the report of a rehearsal is made of."""

from __future__ import annotations

from pathlib import Path

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.rehearsal.report import SeenStep, report
from sandbox.rehearsal.facts import with_removed

REPOSITORY = Path(__file__).resolve().parents[3]
(EXAMPLE,) = (REPOSITORY / "include/productions/examples").glob("w05*.yaml")


def test_files_that_a_step_removed_were_made_and_fed_what_they_fed() -> None:
    plan = compile(load_production(EXAMPLE.read_text("utf-8"), EXAMPLE.name), run="r1")
    steps = {step.name: step for step in plan.steps}
    (folder,) = {d.of(7).path for d in steps["strip"].transformation.directories}
    gone = frozenset({f"{folder}/a.dst", f"{folder}2/of_another.dst"})
    looks = {
        name: SeenStep(id=7 if name == "strip" else 8, status="Completed", taken=gone)
        for name in steps
    }
    assert with_removed(looks["strip"], steps["strip"], gone).made == {f"{folder}/a.dst"}
    assert with_removed(SeenStep(), steps["strip"], gone).made == frozenset()
    before = report(plan, looks, {}, state="success", seconds=1.0).links
    looks["strip"] = with_removed(looks["strip"], steps["strip"], gone)
    after = report(plan, looks, {}, state="success", seconds=1.0).links
    fed = {link.child: link.files for link in after if link.parent == "strip"}
    assert set(fed.values()) == {1}
    assert {link.files for link in before if link.parent == "strip"} == {0}
