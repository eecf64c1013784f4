"""Every production that CWL can express goes to CWL and comes back as the same plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.cli.files import complete_data, read_production
from dirac_prodsys.communities.cwl.document.validity import nobody_asked
from dirac_prodsys.communities.cwl.form.writing import text_of
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile as compile_plan
from tests.unit.communities.cwl.cwl_files import planned

REPOSITORY = Path(__file__).parents[4]
FILES = sorted(
    file
    for folder in ("tests/productions/good", "include/productions", "tests/cwl/seeds")
    for ending in ("yaml", "cwl")
    for file in (REPOSITORY / folder).rglob(f"*.{ending}")
    if not file.name.startswith("_")
    and file.name not in ("make.cwl", "one.cwl", "many.cwl", "two.cwl", "flag.cwl")
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_production_comes_back_as_the_same_plan(file: Path) -> None:
    with nobody_asked():
        before = compile_plan(read_production(file), run="r1")
        text, _ = text_of(complete_data(file))
        after = compile_plan(load_production(text, f"{file.stem}.cwl"), run="r1")
    assert after.to_dict() == before.to_dict()


def test_cwl_utils_accepts_what_is_written() -> None:
    for name in ("include/productions/mandelbrot.yaml", "tests/cwl/pi/pi.cwl"):
        with nobody_asked():
            text, _ = text_of(complete_data(REPOSITORY / name))
        assert planned(text, {}, ask=True).steps


def test_what_a_runner_of_cwl_does_not_do_is_named() -> None:
    with nobody_asked():
        data = complete_data(REPOSITORY / "tests/productions/good/matrix.yaml")
    assert "branches of a matrix" in text_of(data)[1]
