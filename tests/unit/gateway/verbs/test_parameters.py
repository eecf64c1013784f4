"""Additional parameters, as DIRAC 9.0 and 9.1 store them."""

from __future__ import annotations

import pytest

from dirac_prodsys.gateway.verbs.parameters import as_written


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("R1", "R1"),
        ("'R1'", "R1"),
        (r"'[\"/sim/a\", \'b\']'", """["/sim/a", 'b']"""),
        (r"'line\nnext\\n\Z\0'", "line\nnext\\n\x1a\0"),
        ("''", ""),
        ("", ""),
        (7, "7"),
        # no literals
        ("'a' or 'b'", "'a' or 'b'"),
        ("'a", "'a"),
        ("['Calibration']", "['Calibration']"),
    ],
)
def test_a_parameter_is_what_was_written_whichever_dirac_stored_it(
    stored: object, written: str
) -> None:
    assert as_written(stored) == written
