"""Addresses: of a transformation in the portal, of a dataset in Airflow."""

from __future__ import annotations

import pytest

from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.addresses.assets import catalogue_asset, dataset_asset, watcher_asset
from dirac_prodsys.provider.addresses.links import job_log_url, job_url, transformation_url


def url(portal: str) -> str:
    return transformation_url(GatewaySettings(portal=portal, group="g"), 12, "a__b c")


def test_a_portal_with_placeholders_is_filled_and_quoted() -> None:
    assert url("https://p/t/{id}?n={name}&g={group}") == "https://p/t/12?n=a__b%20c&g=g"


def test_a_plain_portal_opens_the_transformation_monitor_of_the_webapp() -> None:
    address = url("https://p/DIRAC/")
    assert address.startswith("https://p/DIRAC/?view=tabs")
    assert "DIRAC.TransformationMonitor.classes.TransformationMonitor" in address
    assert address.endswith("#12")


def test_a_job_has_a_page_and_a_log_where_the_connection_says_so() -> None:
    named = GatewaySettings(job_portal="https://p/{id}", job_log="https://l/{id}.txt")
    assert (job_url(named, 7), job_log_url(named, 7)) == ("https://p/7", "https://l/7.txt")
    plain = GatewaySettings(portal="https://dirac.example.org/DIRAC/")
    assert job_url(plain, 7).startswith("https://dirac.example.org/DIRAC/?view=tabs")
    assert "JobMonitor" in job_url(plain, 7)
    nothing = GatewaySettings(portal="https://p/{id}", job_log="javascript:alert({id})")
    assert (job_url(nothing, 7), job_log_url(nothing, 7)) == ("", "")


@pytest.mark.parametrize("portal", ["", "javascript:alert(1)", "p.org/{id}"])
def test_what_is_no_web_address_gives_no_link(portal: str) -> None:
    assert url(portal) == ""


def test_a_dataset_is_a_dirac_asset() -> None:
    asset = dataset_asset("sim", "two", "merge")
    assert asset.uri == "dirac://sim/two/merge"
    assert asset.name == "two.merge"


def test_a_dataset_of_the_catalogue_is_an_asset_by_its_path() -> None:
    asset = catalogue_asset("sim", "/sim/datasets/masks/v1")
    assert asset.uri == "dirac://sim/datasets/masks/v1"
    assert asset.name == "/sim/datasets/masks/v1"


def test_what_a_production_watches_is_no_step_of_it() -> None:
    from dirac_prodsys.core.naming import check_name
    from dirac_prodsys.errors import DefinitionError

    asset = watcher_asset("sim", "night")
    step = asset.uri.rpartition("/")[2]
    with pytest.raises(DefinitionError):
        check_name(step, "step")


@pytest.mark.parametrize(
    "uri", ["dirac:///a/b", "dirac://sim", "dirac://sim/", "dirac://sim/a/b?x=1"]
)
def test_airflow_refuses_an_asset_that_is_no_dataset(uri: str) -> None:
    from airflow.sdk import Asset

    with pytest.raises(ValueError, match="dirac://vo/production/step"):
        Asset(name="x", uri=uri)
