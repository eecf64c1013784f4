"""The JobType of CTAO's jobs is the one that CTADIRAC's class sets."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from dirac_prodsys.communities.ctao.types.job_types import TYPES, CtaoType, wms_type
from dirac_prodsys.core.grid.specs import CommunityBody


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_it_is_that_of_the_class(kind: CtaoType) -> None:
    module = importlib.util.find_spec(f"CTADIRAC.Interfaces.API.{kind.job_class}")
    assert module
    assert module.origin
    types = re.findall(r'self\.setType\("(\w+)"\)', Path(module.origin).read_text("utf-8"))
    body = CommunityBody(kind="ctao", job_class=kind.job_class, settings=())
    assert [wms_type(body)] == types


def test_of_an_unknown_class_nothing_is_said() -> None:
    assert wms_type(CommunityBody(kind="ctao", job_class="NoSuchJob", settings=())) == ""
