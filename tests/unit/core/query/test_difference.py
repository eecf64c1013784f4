from __future__ import annotations

from dirac_prodsys.core.query.difference import differences
from dirac_prodsys.core.query.meta_query import MetaQuery


def test_each_field_that_differs_has_a_line() -> None:
    asked = MetaQuery.parse({"site": "A", "level": [1, 2], "same": "x"})
    found = MetaQuery.parse({"site": "B", "split": "train", "same": "X"})
    assert differences(asked, found) == (
        "level: asked one of 1, 2, found no condition",
        "site: asked A, found B",
        "split: asked no condition, found train",
    )
    assert differences(asked, asked) == ()
