"""Implements the gateway to a DIRAC grid: the verbs over DISET.

Invariant: only here do the verbs, the network and the rendering of bodies meet. The decisions are
in the verbs, which run unchanged on the in-memory grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dirac_prodsys.core.doctor.facts import Authorities, ProxyFacts
from dirac_prodsys.core.grid.specs import BodySpec
from dirac_prodsys.errors import GatewayDenied, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.bodies import render
from dirac_prodsys.gateway.bodies.job import CLEANING_AGENT
from dirac_prodsys.gateway.dirac.configuration import configured
from dirac_prodsys.gateway.dirac.credentials import read_authorities, read_proxy
from dirac_prodsys.gateway.dirac.rpc import DisetServices, proxy_file
from dirac_prodsys.gateway.dirac.storage import fetched, stored
from dirac_prodsys.gateway.records import Configured, GatewaySettings, Identity, StoredReplica
from dirac_prodsys.gateway.verbs.all_verbs import DiracVerbs
from dirac_prodsys.gateway.verbs.services import IN_USE, Services


def open(settings: GatewaySettings) -> DiracGateway:
    """Return a gateway to the grid of a connection; makes no call."""
    return DiracGateway(settings)


class DiracGateway(DiracVerbs):
    """A :class:`ProductionGateway` on DIRAC 9.1.

    :param services: for tests: another access to the services than DISET.
    """

    def __init__(self, settings: GatewaySettings, services: Services | None = None) -> None:
        self.settings = settings
        self.services: Services = services or DisetServices(settings)

    def ping(self) -> Identity:
        """See :meth:`ProductionGateway.ping`.

        :raises GatewayDenied: the grid reports another group or VO than the connection names.
        """
        versions: dict[str, str] = {}
        who: dict[str, str] = {}
        for service in IN_USE:
            who = self.services.call(service, "whoami")
            versions[service] = str(self.services.call(service, "ping").get("version", ""))
        identity = Identity(
            user=str(who.get("username", "")),
            group=str(who.get("group", "")),
            vo=str(who.get("VO", "")),
            version=max(versions.values()),
            services=versions,
        )
        for what, wanted, found in (
            ("group", self.settings.group, identity.group),
            ("VO", self.settings.vo, identity.vo),
        ):
            if wanted and wanted != found:
                raise GatewayDenied(
                    f"the grid takes {identity.user or 'this proxy'} for {what} {found}, "
                    f"and the connection says {wanted}",
                    f"make a proxy with dirac-proxy-init -g GROUP, or correct the {what}",
                )
        return identity

    def configured_options(self, sections: Sequence[str]) -> Mapping[str, str]:
        """See :meth:`ProductionGateway.configured_options`."""
        if not isinstance(self.services, DisetServices):
            return {}
        return self.services.configuration.options_below(sections)

    def proxy_facts(self) -> ProxyFacts:
        """See :meth:`ProductionGateway.proxy_facts`."""
        return read_proxy(proxy_file(self.settings))

    def authorities(self) -> Authorities:
        """See :meth:`ProductionGateway.authorities`."""
        if not isinstance(self.services, DisetServices):
            raise GatewayDenied("without a grid's configuration no CAs are found")
        return read_authorities(self.services.configuration.ca_dir)

    def _configured(self) -> Configured:
        if not isinstance(self.services, DisetServices):
            return Configured()
        return configured(self.services.configuration)

    def _vo_of(self, group: str) -> str:
        if not isinstance(self.services, DisetServices):
            return ""
        return self.services.configuration.option(f"/Registry/Groups/{group}/VO")

    def _reset_limit(self) -> int:
        if not isinstance(self.services, DisetServices):
            return super()._reset_limit()
        for group in (self.settings.vo, "Defaults"):
            path = f"/Operations/{group}/Transformations/FilesMaxResetCounter"
            value = self.services.configuration.option(path) if group else ""
            if value.isdigit() and int(value):
                return int(value)
        return super()._reset_limit()

    def _transformation_field(self) -> str:
        if not isinstance(self.services, DisetServices):
            return super()._transformation_field()
        value = self.services.configuration.option(f"{CLEANING_AGENT}/TransfIDMeta")
        return value or super()._transformation_field()

    def _on_storage(self, se: str, lfns: Sequence[str]) -> Mapping[str, StoredReplica | str]:
        if not isinstance(self.services, DisetServices):
            raise GatewayRejected("without a grid's configuration no storage is found")
        return stored(self.settings, self.services.configuration.ca_dir, se, lfns)

    def _fetch(self, lfn: str, limit: int) -> bytes:
        if not isinstance(self.services, DisetServices):
            raise GatewayUnavailable("without a grid there is no storage to read from")
        return fetched(self.settings, self.services.configuration.ca_dir, lfn, limit)

    def _render(self, body: BodySpec) -> str:
        return render(body)
