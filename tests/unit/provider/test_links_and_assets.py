"""Addresses: of a transformation in the portal, of a dataset in Airflow."""

from __future__ import annotations

import pytest

from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.assets import dataset_asset
from dirac_prodsys.provider.links import transformation_url


def url(portal: str) -> str:
    return transformation_url(GatewaySettings(portal=portal, group="g"), 12, "a__b c")


def test_a_portal_with_placeholders_is_filled_and_quoted() -> None:
    assert url("https://p/t/{id}?n={name}&g={group}") == "https://p/t/12?n=a__b%20c&g=g"


def test_a_plain_portal_opens_the_transformation_monitor_of_the_webapp() -> None:
    address = url("https://p/DIRAC/")
    assert address.startswith("https://p/DIRAC/?view=tabs")
    assert "DIRAC.TransformationMonitor.classes.TransformationMonitor" in address
    assert address.endswith("#12")


@pytest.mark.parametrize("portal", ["", "javascript:alert(1)", "p.org/{id}"])
def test_what_is_no_web_address_gives_no_link(portal: str) -> None:
    assert url(portal) == ""


def test_a_dataset_is_a_dirac_asset() -> None:
    asset = dataset_asset("sim", "two", "merge")
    assert asset.uri == "dirac://sim/two/merge"
    assert asset.name == "two.merge"


@pytest.mark.parametrize(
    "uri", ["dirac:///a/b", "dirac://sim/a", "dirac://sim/a/b/c", "dirac://sim/a/b?x=1"]
)
def test_airflow_refuses_an_asset_that_is_no_place_of_a_dataset(uri: str) -> None:
    from airflow.sdk import Asset

    with pytest.raises(ValueError, match="dirac://vo/production/step"):
        Asset(name="x", uri=uri)
