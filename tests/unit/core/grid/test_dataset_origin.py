from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.dataset_origin import DatasetOrigin, annotated, read_origin
from dirac_prodsys.core.limits import DATASET_ANNOTATION

ORIGIN = DatasetOrigin("bands", "night-7", "merge", "0123456789abcdef", "a" * 40)


@pytest.mark.parametrize("text", ["", "for the paper [draft]"])
def test_an_annotation_says_where_the_dataset_comes_from(text: str) -> None:
    made = annotated(text, ORIGIN)
    assert made.startswith(text)
    assert made.endswith(
        f"[production=bands run=night-7 step=merge digest=0123456789abcdef commit={'a' * 40}]"
    )
    assert read_origin(made) == ORIGIN


def test_what_does_not_fit_is_left_out_and_the_author_s_text_never_is() -> None:
    long = "x" * (DATASET_ANNOTATION.most - 70)
    made = annotated(long, ORIGIN)
    assert len(made) <= DATASET_ANNOTATION.most
    found = read_origin(made)
    assert found is not None
    assert (found.production, found.run, found.step, found.commit) == (
        "bands",
        "night-7",
        "merge",
        "",
    )
    assert annotated("x" * DATASET_ANNOTATION.most, ORIGIN) == "x" * DATASET_ANNOTATION.most


@pytest.mark.parametrize("text", ["", "by hand", "[draft]", "[production=a run=b]", "[a=b"])
def test_another_annotation_says_nothing(text: str) -> None:
    assert read_origin(text) is None
