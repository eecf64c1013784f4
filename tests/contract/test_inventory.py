"""What a gateway says that the grid has: the same on the in-memory grid and on DIRAC."""

from __future__ import annotations

import pytest

from dirac_prodsys.errors import GatewayUnavailable
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import Gateway, Interrupted, lost, unique


def test_fields_have_the_type_with_which_they_were_defined(gateway: Gateway) -> None:
    of_directories, of_files = unique("d"), unique("f")
    gateway.services.call(CATALOGUE, "addMetadataField", of_directories, "int", "-d")
    gateway.services.call(CATALOGUE, "addMetadataField", of_files, "VARCHAR(128)", "-f")
    found = gateway.inventory()
    assert found.directory_fields[of_directories].lower() == "int"
    assert found.file_fields[of_files].lower() == "varchar(128)"
    assert of_directories not in found.file_fields
    assert of_files not in found.directory_fields


def test_storage_elements_sites_and_types_are_those_of_the_grid(gateway: Gateway) -> None:
    found = gateway.inventory()
    assert {"DISK-A-SE", "DISK-B-SE"} <= found.storage_elements
    assert {"SIM.SiteA.org", "SIM.SiteB.org"} <= found.sites
    assert {"MCSimulation", "Merging", "Replication"} <= found.transformation_types
    everything = found.storage_elements | found.sites | found.transformation_types
    assert not everything & {"", "NO-SUCH-SE", "Sites", "StorageElements"}


def test_an_outage_is_an_outage(gateway: Gateway) -> None:
    gateway.services = Interrupted(gateway.services, "getMetadataFields", lost(), before=True)
    with pytest.raises(GatewayUnavailable):
        gateway.inventory()
