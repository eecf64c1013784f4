"""Writes DIRAC's configuration of the grid from data.

* ``dirac/etc/Sandbox.cfg``: the global configuration, exported by the Configuration Server.
* ``etc/services.cfg``: local to the process that is the Configuration Server's controller.
* ``etc/servers.cfg``: local to every other server process: host certificate, database password.
* ``etc/jobs.cfg``: local to a job of the light grid: at which site it runs.
* ``etc/<site>.cfg``: local to the worker node of a site on the full grid.
* ``client.cfg``: local to a client: nothing but where the Configuration Server is.

Invariant: passwords and keys stay in the local files of servers; a client gets one URL.
Service sections start from DIRAC's own ConfigTemplate.cfg, so that the authorization rules are
those of an installation.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from diraccfg import CFG

from sandbox.configuration import certificates, community
from sandbox.configuration.components import agents, component, dirac_folder, wrapper_template
from sandbox.configuration.needs import Needs
from sandbox.configuration.profiles import CONFIGURATION, DATABASES, Profile
from sandbox.configuration.resources import operations, registry, resources
from sandbox.errors import SandboxError
from sandbox.state import State

NAME = "Sandbox"
DATABASE_USER = "Dirac"

Section = dict[str, Any]


def url(service: str, ports: dict[str, int]) -> str:
    """Return the address of a service."""
    return f"dips://{community.HOST}:{ports[service]}/{service}"


def write_all(
    state: State, profile: Profile, ports: dict[str, int], password: str, needs: Needs
) -> None:
    """Write every file listed above, and env.sh."""
    server = url(CONFIGURATION, ports)
    local = _local(state, ports, password)
    # the controller must know its own section before it has read what it exports
    own = _service(state, CONFIGURATION, ports)
    controller = _merged(
        local,
        {
            "DIRAC": {"Configuration": {"Name": NAME, "Master": "yes"}},
            "Systems": {"Configuration": {"Services": {"Server": own}}},
        },
    )
    follower = _merged(local, {"DIRAC": {"Configuration": {"Servers": server}}})
    trust = {"CALocation": str(certificates.certificates_folder(state))}
    client = {"DIRAC": {"Configuration": {"Servers": server}, "Security": trust}}
    site = {"LocalSite": {"Site": community.SITES[0].name}}
    _write(state.dirac / "etc" / f"{NAME}.cfg", _global(state, profile, ports, needs))
    _write(state.etc / "services.cfg", controller)
    _write(state.etc / "servers.cfg", follower)
    _write(state.etc / "jobs.cfg", _merged(client, site))
    _write(state.client_cfg, client)
    if not profile.local_executor:
        for node in community.SITES:
            section = _merged(client, _worker_node(node))
            _write(state.etc / f"{node.name}.cfg", section)
            # JobAgent reads it for its jobs, and rewrites it
            _write(state.worker_node(node.name) / "etc" / "dirac.cfg", section)
        _write_wrapper_template(state)
    write_env(state)


def client_environment(state: State, user: str, group: str) -> dict[str, str]:
    """Return the variables that a client needs in its environment, and nothing else."""
    return {
        "DIRACSYSCONFIG": str(state.client_cfg),
        "X509_USER_PROXY": str(state.proxies / f"{user}.{group}.pem"),
        "X509_CERT_DIR": str(certificates.certificates_folder(state)),
    }


def write_env(state: State) -> None:
    """Write ``env.sh``, for a shell to source; a proxy that the shell already names stays."""
    variables = client_environment(state, "prodmgr", "sim_prod")
    proxy = shlex.quote(variables.pop("X509_USER_PROXY"))
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines.append(f"export X509_USER_PROXY=${{X509_USER_PROXY:-{proxy}}}")
    state.env_sh.write_text("# the sandbox grid, for a client's shell\n" + "\n".join(lines) + "\n")


def _local(state: State, ports: dict[str, int], password: str) -> Section:
    return {
        "DIRAC": {
            "Hostname": community.HOST,
            "Security": {
                "UseServerCertificate": "yes",
                "CertFile": str(state.credentials / "hostcert.pem"),
                "KeyFile": str(state.credentials / "hostkey.pem"),
                "CALocation": str(certificates.certificates_folder(state)),
            },
        },
        "Systems": {
            "Databases": {
                "User": DATABASE_USER,
                "Password": password,
                "Host": "127.0.0.1",
                "Port": ports["mariadb"],
            },
            "NoSQLDatabases": {
                "User": "sandbox",
                "Password": password,
                "Host": "127.0.0.1",
                "Port": ports.get("opensearch", 0),
                "SSL": "No",
            },
        },
    }


def _worker_node(site: community.Site) -> Section:
    return {
        "DIRAC": {"Security": {"UseServerCertificate": "no"}},
        "LocalSite": {
            "Site": site.name,
            "GridCE": site.ce,
            "CEQueue": "local",
            "CPUNormalizationFactor": "10.0",
            "CPUScalingFactor": "10.0",
            "CPUTimeLeft": "100000000",
            "LocalCE": "Pool/InProcess",
            "NumberOfProcessors": site.slots,
            "Platform": "any",
        },
    }


def _global(state: State, profile: Profile, ports: dict[str, int], needs: Needs) -> Section:
    return {
        "DIRAC": {"Configuration": {"Name": NAME}},
        "DiracX": {"DisabledVOs": ", ".join(needs.all_vos)},
        "Registry": registry(needs),
        "Systems": _systems(state, profile, ports),
        "Operations": operations(profile, needs),
        "Resources": resources(state, ports, needs),
    }


def _systems(state: State, profile: Profile, ports: dict[str, int]) -> Section:
    systems: Section = {
        system: {"Databases": {name: {"DBName": name} for name in databases}}
        for system, databases in DATABASES.items()
    }
    for service in profile.services:
        system, name = service.split("/")
        place = systems.setdefault(system, {})
        place.setdefault("Services", {})[name] = _service(state, service, ports)
        place.setdefault("URLs", {})[name] = url(service, ports)
    if not profile.local_executor:
        systems["WorkloadManagement"]["Databases"]["JobParametersDB"] = {
            "Host": "127.0.0.1",
            "Port": ports["opensearch"],
        }
    for system, sections in agents(state, profile).items():
        systems.setdefault(system, {}).update(sections)
    return systems


def _service(state: State, service: str, ports: dict[str, int]) -> Section:
    system, name = service.split("/")
    return component(state, system, "Services", name, ports[service])


def _merged(one: Section, other: Section) -> Section:
    both = CFG().loadFromDict(one).mergeWith(CFG().loadFromDict(other))
    result: Section = both.getAsDict()
    return result


def _write_wrapper_template(state: State) -> None:
    """Write DIRAC's own template with one wait less.

    JobWrapper sleeps 5 s before it looks for the payload's pid
    (DIRAC/WorkloadManagementSystem/JobWrapper/JobWrapper.py).
    """
    source = dirac_folder() / "WorkloadManagementSystem" / "JobWrapper" / "JobWrapperTemplate.py"
    anchor = "from DIRAC.WorkloadManagementSystem.JobWrapper import JobWrapper as JW\n"
    text = source.read_text()
    if text.count(anchor) != 1:
        raise SandboxError(f"{source} is not the one this sandbox knows")
    shorter = f"{anchor}JW.CHILD_PID_POLL_INTERVALS = [0.2] * 600\n"
    wrapper_template(state).write_text(text.replace(anchor, shorter))


def _write(path: Path, section: Section) -> None:
    path.touch(mode=0o600)
    path.write_text(str(CFG().loadFromDict(section)))
