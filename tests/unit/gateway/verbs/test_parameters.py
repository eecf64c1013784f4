"""Additional parameters, as DIRAC 9.0 and 9.1 store them."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.verbs.parameters import as_written
from tests.contract.systems import Gateway, InMemory, spec, unique


class Quoting:
    """Services that keep additional parameters as those of DIRAC 9.0 do."""

    def __init__(self, services: Any) -> None:
        self.services, self.calls = services, services.calls

    def call(self, service: str, method: str, *arguments: Any) -> Any:
        if method == "setTransformationParameter" and arguments[1] != "TransformationFamily":
            number, name, value = arguments
            escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
            arguments = (number, name, f"'{escaped}'")
        return self.services.call(service, method, *arguments)


@pytest.fixture
def quoting() -> Gateway:
    """A gateway on a grid in memory that does so."""
    gateway = InMemory().gateway()
    gateway.services = Quoting(gateway.services)
    return gateway


def test_a_transformation_is_made_and_adopted_there(quoting: Gateway) -> None:
    wanted = spec(unique())
    made = quoting.create_transformation(wanted)
    assert quoting.create_transformation(wanted).id == made.id
    quoting.write_note(made.id, "Note", '{"who": "o\'hara"}')
    assert quoting.read_note(made.id, "Note") == '{"who": "o\'hara"}'


def test_parameters_of_its_plugin_are_refused_there(quoting: Gateway) -> None:
    wanted = spec(unique(), parameters={"TargetSE": "DISK-B-SE", "Tries": 3})
    for _ in range(2):
        with pytest.raises(GatewayRejected, match=r"TargetSE, Tries of .* in quotes"):
            quoting.create_transformation(wanted)


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
