"""The contract of replicas as they lie on storage, on every production system."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.specs import DirectorySpec
from dirac_prodsys.errors import GatewayError
from tests.contract.systems import Gateway, System, unique

SE = "DISK-A-SE"


def test_a_replica_is_good_only_if_the_storage_has_the_bytes_of_the_catalogue(
    system: System, gateway: Gateway
) -> None:
    mark = unique()
    directory = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": mark})])
    names = ("good", "lost", "other", "longer")
    for name in names:
        system.register(f"{directory}/{name}", {})
    for name in names[1:]:
        system.spoil(f"{directory}/{name}", name)
    lfns = [f"{directory}/{name}" for name in (*names, "unknown")]
    bad = gateway.bad_replicas(SE, lfns)
    assert set(bad) == set(lfns[1:])
    assert bad[lfns[1]] == f"the file is not at {SE}"
    assert bad[lfns[2]].startswith("checksum ")
    assert "bytes, and the catalogue says" in bad[lfns[3]]
    assert bad[lfns[4]] == f"not registered at {SE}"


def test_a_file_is_not_good_where_it_is_not_registered(system: System, gateway: Gateway) -> None:
    mark = unique()
    directory = f"/sim/contract/{mark}"
    gateway.prepare_directories([DirectorySpec(path=directory, metadata={"run": mark})])
    system.register(f"{directory}/file", {})
    bad = gateway.bad_replicas("DISK-B-SE", [f"{directory}/file"])
    assert bad == {f"{directory}/file": "not registered at DISK-B-SE"}


def test_what_cannot_be_asked_is_an_error_and_never_good(contract_grid: object) -> None:
    from dirac_prodsys.gateway.dirac.storage import stored
    from tests.contract.systems import OnDirac

    gateway = OnDirac(contract_grid).gateway()  # type: ignore[arg-type]
    ca_dir = gateway.services.configuration.ca_dir  # type: ignore[attr-defined]
    with pytest.raises(GatewayError, match="cannot be asked from here"):
        stored(gateway.settings, ca_dir, "NO-SUCH-SE", ["/sim/contract/x"])
