"""Reads the configuration of one connection: URLs of the services, and the CAs that it trusts.

DIRAC keeps one configuration per process, so two connections to different grids could not share
a triggerer. Here every connection parses its own: a configuration file, or the answer of a
Configuration Server. The services are then called by explicit URL, and nothing is written to
DIRAC's global object.

Invariant: a :class:`GridConfiguration` is a value; reading one changes neither the environment nor
anything that another connection sees.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dirac_prodsys.core.grid.task_plugins import PLUGINS
from dirac_prodsys.errors import GatewayDenied, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.dirac_import import demand_supported
from dirac_prodsys.gateway.records import Configured, GatewaySettings

#: service that sends the configuration of a grid
CONFIGURATION = "Configuration/Server"

#: fetches the configuration text from one URL, trusting the CAs of a directory
Fetch = Callable[[str, str], Any]

#: types that agents work on if the configuration names none (``TransformationAgent.initialize``)
DEFAULT_TYPES = {
    "DataProcessing": ("MCSimulation", "Merge"),
    "DataManipulation": ("Replication", "Removal"),
}


class GridConfiguration:
    """The parsed configuration of one grid.

    :param tree: a ``diraccfg.CFG``.
    :param ca_dir: directory of CA certificates from the connection, or empty.
    """

    def __init__(self, tree: Any, ca_dir: str = "", vo: str = "") -> None:
        self._tree = tree
        self._ca_dir = ca_dir
        self._vo = vo

    def option(self, path: str) -> str:
        """Return the value of an option; empty if there is none."""
        return str(self._tree.getOption(path, "") or "").strip()

    def options(self, path: str) -> list[str]:
        """Return the value of an option that is a list."""
        return [part.strip() for part in self.option(path).split(",") if part.strip()]

    def sections(self, path: str) -> list[str]:
        """Return the names of the sections below a section; none if it does not exist."""
        found = self._tree[path].listSections() if self._tree.isSection(path) else []
        return [str(name) for name in found]

    def option_names(self, path: str) -> list[str]:
        """Return the names of the options of a section; none if it does not exist."""
        found = self._tree[path].listOptions() if self._tree.isSection(path) else []
        return [str(name) for name in found]

    def options_below(self, sections: Sequence[str]) -> dict[str, str]:
        """Return all options below these sections, by their path."""
        found: dict[str, str] = {}
        waiting = list(sections)
        while waiting:
            section = waiting.pop()
            names = self.option_names(section)
            found |= {f"{section}/{name}": self.option(f"{section}/{name}") for name in names}
            waiting += [f"{section}/{name}" for name in self.sections(section)]
        return found

    def service_urls(self, service: str) -> list[str]:
        """Return the URLs of a service in the order to try them (``PathFinder.getServiceURLs``).

        :raises GatewayRejected: there is none, as in the configuration of DIRAC 8.0, or it uses
            another protocol than DISET.
        """
        system, name = service.split("/")
        urls: list[str] = []
        for section in ("URLs", "FailoverURLs"):
            found = self.options(f"/Systems/{system}/{section}/{name}")
            random.shuffle(found)
            urls += [url for entry in found for url in self._on_main_servers(entry)]
        if not urls:
            if self.sections("/DIRAC/Setups"):
                demand_supported("8.0")
            raise GatewayRejected(
                f"the configuration names no URL for {service}",
                f"check Systems/{system}/URLs/{name} in the connection's configuration",
            )
        usable = [url for url in urls if url.startswith(("dips://", "dip://"))]
        if not usable:
            raise GatewayRejected(
                f"{service} is served at {urls[0]} only, which is not DISET (dips://)",
                "let the grid serve it by DISET as well",
            )
        return usable

    def _on_main_servers(self, url: str) -> list[str]:
        if "$MAINSERVERS$" not in url:
            return [url]
        for group in (self._vo, "Defaults"):
            servers = self.options(f"/Operations/{group}/MainServers") if group else []
            if servers:
                return [url.replace("$MAINSERVERS$", server) for server in servers]
        raise GatewayRejected(
            f"the URL {url} needs Operations/Defaults/MainServers, which is empty",
            "complete the configuration",
        )

    @property
    def ca_dir(self) -> str:
        """Return the directory of CA certificates: connection's, configuration's, or the usual.

        :raises GatewayDenied: there is none.
        """
        grid_security = self.option("/DIRAC/Security/Grid-Security")
        for path in (
            self._ca_dir,
            f"{grid_security}/certificates" if grid_security else "",
            self.option("/DIRAC/Security/CALocation"),
            os.environ.get("X509_CERT_DIR", ""),
            os.path.join(os.environ.get("DIRAC_ROOT_PATH", "/"), "etc/grid-security/certificates"),
            "/etc/grid-security/certificates",
        ):
            if path and os.path.isdir(path):
                return path
        raise GatewayDenied(
            "there is no directory of CA certificates", "set ca_dir in the connection"
        )


def load(settings: GatewaySettings, fetch: Fetch) -> GridConfiguration:
    """Return the configuration of a connection.

    A file that names servers (``DIRAC/Configuration/Servers``) is completed by the configuration of
    the first server that answers; options in the file win.

    :param fetch: called with a URL and a CA directory; returns what ``getCompressedData`` returns.
    :raises GatewayRejected: no configuration, or one that does not parse.
    :raises GatewayUnavailable: no Configuration Server answers.
    """
    from diraccfg import CFG

    local = CFG()
    servers = []
    if settings.config.startswith(("dips://", "dip://")):
        servers = [settings.config]
    else:
        for file in _files(settings.config):
            local = local.mergeWith(_parse(file.read_text(), str(file)))
    partial = GridConfiguration(local, settings.ca_dir, settings.vo)
    servers += partial.options("/DIRAC/Configuration/Servers")
    if not servers:
        return partial
    refused: list[str] = []
    for url in servers:
        try:
            text = _inflate(fetch(url, partial.ca_dir))
        except GatewayUnavailable as error:
            refused.append(error.reason)
            continue
        tree = _parse(text, url).mergeWith(local)
        return GridConfiguration(tree, settings.ca_dir, settings.vo)
    raise GatewayUnavailable(
        f"no Configuration Server answers: {'; '.join(refused)}",
        "the grid may be coming back by itself; if not, ask who runs it",
    )


def _files(config: str) -> list[Path]:
    """Return the connection's file, or the files that DIRAC itself would read, weakest first."""
    if config:
        path = Path(config).expanduser()
        if not path.is_file():
            raise GatewayRejected(
                f"the configuration file {path} does not exist", "correct the connection's config"
            )
        return [path]
    root = os.environ.get("DIRAC_ROOT_PATH", "")
    named = os.environ.get("DIRACSYSCONFIG", "").replace(" ", "").split(",")
    usual = [Path(root, "etc/dirac.cfg")] if root else []
    usual += [Path(name) for name in reversed(named) if name]
    usual += [Path("~/.dirac.cfg").expanduser()]
    found = [path for path in usual if path.is_file()]
    if not found:
        raise GatewayRejected(
            "the connection names no DIRAC configuration and there is none on this machine",
            "set config to a dirac.cfg or to dips://host:port/Configuration/Server",
        )
    return found


def _parse(text: str, source: str) -> Any:
    from diraccfg import CFG

    tree = CFG()
    try:
        tree.loadFromBuffer(text)
    except Exception as error:
        raise GatewayRejected(
            f"{source} is no DIRAC configuration: {error}", "correct the file"
        ) from error
    return tree


def _inflate(data: Any) -> str:
    raw = data.encode(errors="surrogateescape") if isinstance(data, str) else bytes(data)
    return zlib.decompress(raw).decode()


def configured(tree: GridConfiguration) -> Configured:
    """Return what the configuration names: storage elements, sites, types and the like.

    Lists of types count anywhere below ``Operations``: agents for all VOs read the defaults, and
    a virtual organisation may have agents of its own.
    """
    kinds = tree.sections("/Resources/Sites")
    sites = [site for kind in kinds for site in tree.sections(f"/Resources/Sites/{kind}")]
    types: set[str] = set()
    for family, default in DEFAULT_TYPES.items():
        option = f"Transformations/{family}"
        names = [
            kind
            for scope in tree.sections("/Operations")
            for kind in tree.options(f"/Operations/{scope}/{option}")
        ]
        types.update(names or default)
    return Configured(
        storage_elements=frozenset(
            tree.sections("/Resources/StorageElements")
            + tree.option_names("/Resources/StorageElementGroups")
        ),
        sites=frozenset(sites),
        transformation_types=frozenset(types),
        unset=frozenset(
            section
            for plugin in PLUGINS.values()
            for section in plugin.needs
            if not tree.option_names(section)
        ),
    )
