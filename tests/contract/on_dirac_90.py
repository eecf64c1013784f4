"""What the servers of DIRAC 9.0 cannot do is refused with the reason, and leaves nothing behind.

`scripts/test-dirac 9.0` runs these beside the contract; on other versions they are not true.
"""

from __future__ import annotations

import pytest

from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.verbs.services import CATALOGUE, TRANSFORMATIONS
from tests.contract.systems import Gateway, System, spec, unique
from tests.contract.test_datasets import dataset, filled

pytestmark = [pytest.mark.grid, pytest.mark.parametrize("system", ["dirac"], indirect=True)]


@pytest.mark.parametrize("freeze", [True, False])
def test_a_dataset_is_refused_and_leaves_nothing(
    system: System, gateway: Gateway, freeze: bool
) -> None:
    directory = filled(system, gateway, files=2)
    wanted = dataset(MetaQuery.parse(directory.metadata), freeze=freeze)
    for _ in range(2):
        with pytest.raises(GatewayRejected, match=r"DIRAC 9\.0 can neither describe") as refused:
            gateway.create_dataset(wanted)
        assert "9.1" in refused.value.hint
        reply = gateway.services.call(CATALOGUE, "getDatasets", {wanted.name: True})
        assert reply["Successful"] == {wanted.name: {}}


def test_parameters_that_a_plugin_would_read_in_quotes_are_refused(gateway: Gateway) -> None:
    wanted = spec(unique(), parameters={"TargetSE": "DISK-B-SE", "Tries": 3})
    for _ in range(2):
        with pytest.raises(
            GatewayRejected, match=r"TargetSE, Tries of transformation .* in quotes"
        ):
            gateway.create_transformation(wanted)
    found = gateway.find_transformation(wanted.name)
    assert found is not None
    row = gateway.services.call(TRANSFORMATIONS, "getTransformation", found.id, True)
    assert (row["Status"], row["TargetSE"]) == ("New", "'DISK-B-SE'")
