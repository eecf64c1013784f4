"""Fills the databases before a grid's first user: ``python -m sandbox.drivers.seed``.

Storage elements and sites become Active in the Resource Status System (an unknown one counts as
banned). The catalogue gets its metadata fields. If a ProxyManager runs, it gets a proxy of each
user. Invariant: running it again changes nothing.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from dirac_prodsys.gateway.memory.catalogue import known_fields
from sandbox.configuration.community import USERS
from sandbox.configuration.needs import Needs
from sandbox.drivers import runtime
from sandbox.state import State


def seed_resource_status() -> None:
    """Set everything that the configuration names Active."""
    from DIRAC import gConfig
    from DIRAC.ResourceStatusSystem.Client.ResourceStatusClient import ResourceStatusClient

    client = ResourceStatusClient()

    def activate(element: str, name: str, kind: str, status_type: str) -> None:
        done = client.addOrModifyStatusElement(
            element,
            "Status",
            name=name,
            statusType=status_type,
            status="Active",
            elementType=kind,
            reason="sandbox",
            tokenOwner="rs_svc",
        )
        runtime.ok(done, f"status of {name}")

    for storage in gConfig.getSections("/Resources/StorageElements")["Value"]:
        for access in ("ReadAccess", "WriteAccess", "CheckAccess", "RemoveAccess"):
            activate("Resource", storage, "StorageElement", access)
    for grid in gConfig.getSections("/Resources/Sites")["Value"]:
        for site in gConfig.getSections(f"/Resources/Sites/{grid}")["Value"]:
            activate("Site", site, "Site", "all")
            for ce in gConfig.getSections(f"/Resources/Sites/{grid}/{site}/CEs")["Value"]:
                activate("Resource", ce, "ComputingElement", "all")


def seed_catalogue(needs: Needs) -> None:
    """Define the metadata fields, and a top directory for each VO."""
    from DIRAC.Resources.Catalog.FileCatalogClient import FileCatalogClient

    catalogue = FileCatalogClient()
    known: dict[str, Any] = runtime.ok(catalogue.getMetadataFields(), "metadata fields")
    have = {*known["DirectoryMetaFields"], *known["FileMetaFields"]}
    for fields, kind in zip(known_fields(), ("-d", "-f"), strict=True):
        for name, field_type in fields.items():
            if name not in have:
                added = catalogue.addMetadataField(name, field_type, kind)
                runtime.ok(added, f"metadata field {name}")
    runtime.ok(catalogue.createDirectory([f"/{vo}" for vo in needs.all_vos]), "VO directories")


def seed_proxies(state: State) -> None:
    """Upload a proxy for each user, as the user: the WMS and the RMS act in their names."""
    from DIRAC import gConfig
    from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData

    if not gConfig.getValue("/Systems/Framework/URLs/ProxyManager", ""):
        return
    from DIRAC.Core.Security.X509Chain import X509Chain
    from DIRAC.FrameworkSystem.Client.ProxyManagerClient import gProxyManager

    gConfigurationData.setOptionInCFG("/DIRAC/Security/UseServerCertificate", "no")
    for user in USERS:
        group = next(group.name for group in Needs.kept(state).groups if user in group.users)
        os.environ["X509_USER_PROXY"] = str(state.proxies / f"{user}.{group}.pem")
        chain = X509Chain()
        loaded = chain.loadChainFromFile(str(state.credentials / f"{user}cert.pem"))
        runtime.ok(loaded, f"certificate of {user}")
        key = chain.loadKeyFromFile(str(state.credentials / f"{user}key.pem"))
        runtime.ok(key, f"key of {user}")
        proxy = X509Chain()
        text = runtime.ok(chain.generateProxyToString(300 * 86400), f"proxy of {user}")
        runtime.ok(proxy.loadProxyFromString(text), f"proxy of {user}")
        runtime.ok(gProxyManager.uploadProxy(proxy), f"upload of {user}'s proxy")


def main(directory: str) -> None:
    import DIRAC

    DIRAC.initialize()
    seed_resource_status()
    state = State(directory)
    seed_catalogue(Needs.kept(state))
    seed_proxies(state)


if __name__ == "__main__":
    main(sys.argv[1])
