"""The contract of small files: whether they are there, have changed, and what is in them."""

from __future__ import annotations

import os

import pytest

from dirac_prodsys.errors import GatewayRejected, GatewayUnavailable, NotFound
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import Gateway, OnDirac, System, unique


def identity() -> dict[str, str]:
    """What tells a DIRAC process its grid and its user."""
    return {k: v for k, v in os.environ.items() if k.startswith(("DIRAC", "X509_", "HOME"))}


def test_what_a_job_wrote_is_read_and_the_environment_stays_as_it_is(
    system: System, gateway: Gateway
) -> None:
    lfn = f"/sim/contract/{unique()}/quality.json"
    system.register(lfn, {}, b'{"auc": 0.91}')
    before = identity()
    assert gateway.read_file(lfn, 1000) == b'{"auc": 0.91}'
    assert identity() == before


def test_a_file_that_is_not_there_is_not_found(gateway: Gateway) -> None:
    lfn = f"/sim/contract/{unique()}/nothing"
    assert gateway.file_versions([lfn]) == {}
    with pytest.raises(NotFound, match=lfn):
        gateway.read_file(lfn, 1000)


def test_a_file_that_is_too_long_is_not_fetched(system: System, gateway: Gateway) -> None:
    lfn = f"/sim/contract/{unique()}/long"
    system.register(lfn, {}, b"x" * 1001)
    with pytest.raises(GatewayRejected, match="1,001 bytes"):
        gateway.read_file(lfn, 1000)


def test_a_file_that_was_replaced_has_another_version(system: System, gateway: Gateway) -> None:
    folder = f"/sim/contract/{unique()}"
    stays, goes = f"{folder}/stays", f"{folder}/goes"
    system.register(stays, {}, b"auc = 0.7")
    system.register(goes, {}, b"auc = 0.7")
    before = gateway.file_versions([stays, goes])
    gateway.services.call(CATALOGUE, "removeFile", {goes: True})
    assert set(gateway.file_versions([stays, goes])) == {stays}
    system.register(goes, {}, b"auc = 0.8")
    after = gateway.file_versions([stays, goes])
    assert after[stays] == before[stays]
    assert after[goes] != before[goes]
    assert gateway.read_file(goes, 1000) == b"auc = 0.8"


def test_storage_that_has_lost_the_file_is_an_outage(system: System, gateway: Gateway) -> None:
    lfn = f"/sim/contract/{unique()}/lost"
    system.register(lfn, {}, b"auc = 0.7")
    if isinstance(system, OnDirac):
        (system.grid.state.storage / "DISK-A-SE" / lfn.lstrip("/")).unlink()
    else:
        system.grid.catalogue.files[lfn].content = None  # type: ignore[attr-defined]
    with pytest.raises(GatewayUnavailable, match="could not be read"):
        gateway.read_file(lfn, 1000)


@pytest.mark.parametrize("size", [1001, 6 * 1024 * 1024], ids=["a little", "much"])
def test_storage_that_sends_more_than_the_catalogue_says_is_refused(
    system: System, gateway: Gateway, size: int
) -> None:
    lfn = f"/sim/contract/{unique()}/grown"
    system.register(lfn, {}, b"auc = 0.7")
    if isinstance(system, OnDirac):
        (system.grid.state.storage / "DISK-A-SE" / lfn.lstrip("/")).write_bytes(b"x" * size)
    else:
        system.grid.catalogue.files[lfn].content = b"x" * size  # type: ignore[attr-defined]
    with pytest.raises((GatewayRejected, GatewayUnavailable), match=r"bytes|could not be read"):
        gateway.read_file(lfn, 1000)
