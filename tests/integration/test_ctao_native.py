"""CTADIRAC's own productions written in the native form come to the same transformations.

Together with ``test_ctao_equality`` this proves that a step with ``job: {type: ctao:…}`` is what
``cta-prod-submit`` would send, for every job type and every key that an example has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import distribution
from typing import Any

import pytest
import yaml

from dirac_prodsys.communities.ctao.form.rewriting import native_form
from dirac_prodsys.communities.ctao.types.job_types import TYPES
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.gateway.bodies import render
from sandbox.configuration.environment import REPOSITORY
from tests.integration.ctadirac_sources import productions
from tests.integration.test_ctao_equality import BROKEN, HERE, OWN, datasets_of, ours


def sent(step: StepPlan) -> dict[str, Any]:
    """A transformation with all that goes with it."""
    spec = step.transformation
    fields = ours(step, render(spec.body)) | {
        "directories": spec.directories,
        "transformation": spec.name,
    }
    fields |= {"feeders": step.feeders, "start": step.start, "sample": step.sample}
    return fields


def compared(files: dict[str, str], **load: Any) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Name, the transformation as it is, and that of the native form, for every step."""
    datasets = datasets_of(list(files.values()))
    for name, text in files.items():
        production = load_production(text, name, **load)
        written = yaml.safe_dump(native_form(production), sort_keys=False)
        native = load_production(written, name)
        assert native.dialect == "native"
        plans = [compile(p, run="r1", datasets=datasets) for p in (production, native)]
        assert [s.name for s in plans[0].steps] == [s.name for s in plans[1].steps]
        for there, here in zip(plans[0].steps, plans[1].steps, strict=True):
            yield f"{name} {there.name}", sent(there), sent(here)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """The files that CTADIRAC can build."""
    return {name: text for name, text in productions().items() if not name.endswith(BROKEN)}


def test_483_transformations_are_the_same_in_the_native_form(files):
    equal = 0
    for name, there, here in compared(files):
        assert here == there, name
        equal += 1
    assert (len(files), equal) == (59, 483)


def test_job_types_without_an_example_are_the_same_too():
    others = {path.name: path.read_text() for path in (HERE / "ctao" / "other_files").iterdir()}
    own = list(compared({p.name: p.read_text() for p in OWN}, read_sibling=others.get))
    assert len(own) > len(OWN) > 0
    for name, there, here in own:
        assert here == there, name


def test_the_files_have_every_job_type(files):
    texts = "\n".join([*files.values(), *(path.read_text() for path in OWN)]).lower()
    assert [kind.name for kind in TYPES if f"type: {kind.name.lower()}" not in texts] == []


def test_every_command_and_key_of_ctadirac_has_a_row_in_our_table(files):
    page = (REPOSITORY / "docs" / "how-to" / "coming-from-cta-prod-submit.md").read_text()
    named = set(re.findall(r"[\w-]+", "".join(re.findall(r"^\|(.*)\|$", page, re.MULTILINE))))
    scripts = distribution("CTADIRAC").entry_points.select(group="console_scripts")
    commands = {e.name for e in scripts if e.name.startswith(("cta-prod-", "cta-transformation-"))}
    assert commands - named == set()
    keys = set()
    for text in files.values():
        data = yaml.safe_load(text)
        keys |= {*data, *data["Common"]}
        for step in data["ProdSteps"]:
            keys |= {*step, *step["job_config"]}
    assert len(commands) > 40
    assert keys - named == set()
