"""Checks how we reach a grid: configuration, CAs, proxy, group, VO, services, clocks."""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.doctor.check import Check, Trouble
from dirac_prodsys.core.doctor.facts import Facts, Missing, ServiceAnswer, known
from dirac_prodsys.core.doctor.grid_settings import grid_of
from dirac_prodsys.core.grid.dirac_versions import TESTED, lacking
from dirac_prodsys.core.text.wording import clock, span

#: services that every production needs
NEEDED = ("Transformation/TransformationManager", "DataManagement/FileCatalog")
#: other services, and what we lack without them
USEFUL = {
    "RequestManagement/ReqManager": "requests of data management do not go on",
    "WorkloadManagement/JobMonitoring": "nobody knows why jobs fail",
    "WorkloadManagement/JobManager": "jobs are neither taken nor ended",
    "Production/ProductionManager": "runs are not entered in the ProductionSystem",
}

#: seconds of proxy that are too few
SHORT_PROXY = 24 * 3600
#: seconds of proxy beyond which nobody counts
_LONG = 1000 * 24 * 3600.0
#: seconds by which two clocks may differ
SKEW = 60.0
#: seconds that an answer may take
SLOW = 5.0
#: properties of a group: may do everything; may create, and change what it may
_ALL, _SOME = "ProductionManagement", ("ProductionSharing", "ProductionUser")


def _configuration(facts: Facts) -> Iterator[Trouble]:
    options = grid_of(facts).options
    if isinstance(options, Missing):
        yield Trouble(f"the configuration cannot be read: {options.why}")


def _authorities(facts: Facts) -> Iterator[Trouble]:
    grid = grid_of(facts)
    known(grid.options)  # it names the directory
    found = grid.authorities
    if isinstance(found, Missing):
        yield Trouble(found.why)
    elif not found.found:
        yield Trouble(f"{found.folder} has no CA certificate under the hash of its name")


def _proxy(facts: Facts) -> Iterator[Trouble]:
    grid = grid_of(facts)
    proxy = grid.proxy
    if isinstance(proxy, Missing):
        yield Trouble(proxy.why)
    elif proxy.ends <= grid.now:
        yield Trouble(f"the proxy {proxy.file} has expired at {clock(proxy.ends, grid.now)}")


def _proxy_lasts(facts: Facts) -> Iterator[Trouble]:
    grid = grid_of(facts)
    proxy = known(grid.proxy)
    left = proxy.ends - grid.now
    if 0 < left < SHORT_PROXY:
        yield Trouble(f"the proxy {proxy.file} ends in {span(left)}")


def _proxy_is_private(facts: Facts) -> Iterator[Trouble]:
    proxy = known(grid_of(facts).proxy)
    if proxy.shared:
        yield Trouble(f"others than its owner may read {proxy.file}")


def _delegated(facts: Facts) -> Iterator[Trouble]:
    grid = grid_of(facts)
    ends = known(grid.delegated)
    if not ends:
        yield Trouble("the ProxyManager has no proxy of ours: agents cannot act in our name")
    elif ends <= grid.now:
        yield Trouble(f"our proxy in the ProxyManager has expired at {clock(ends, grid.now)}")
    elif ends - grid.now < SHORT_PROXY:
        yield Trouble(f"our proxy in the ProxyManager ends in {span(ends - grid.now)}")


def _group(facts: Facts) -> Iterator[Trouble]:
    grid = grid_of(facts)
    caller = known(grid.identity)
    for what, wanted, found in (
        ("group", grid.group, caller.group),
        ("VO", grid.vo, caller.vo),
    ):
        if wanted and wanted != found:
            yield Trouble(
                f"the grid takes {caller.user or 'this proxy'} for {what} {found or 'none'}, and "
                f"the connection says {wanted}"
            )


def _rights(facts: Facts) -> Iterator[Trouble]:
    caller = known(grid_of(facts).identity)
    if _ALL in caller.properties:
        return
    some = [name for name in _SOME if name in caller.properties]
    if not some:
        yield Trouble(f"group {caller.group} has none of the properties {_ALL}, {', '.join(_SOME)}")


def _services(facts: Facts) -> Iterator[Trouble]:
    grid = grid_of(facts)
    known(grid.options)  # it names their URLs
    for name in NEEDED:
        answer = grid.services.get(name, Missing("it was not asked"))
        if isinstance(answer, Missing):
            yield Trouble(f"{name} does not answer: {answer.why}")


def _other_services(facts: Facts) -> Iterator[Trouble]:
    for name, without in USEFUL.items():
        answer = grid_of(facts).services.get(name)
        if isinstance(answer, Missing) and answer.outage:
            yield Trouble(f"{name} does not answer, so {without}: {answer.why}")


def _version(facts: Facts) -> Iterator[Trouble]:
    for name, answer in grid_of(facts).services.items():
        if name not in NEEDED or isinstance(answer, Missing):
            continue
        if not answer.version.lstrip("v").startswith(TESTED):
            text = f"{name} runs DIRAC {answer.version or 'without a version'}"
            yield Trouble(": ".join(filter(None, [text, lacking(answer.version)])))


def _clocks(facts: Facts) -> Iterator[Trouble]:
    for name, answer in grid_of(facts).services.items():
        if isinstance(answer, Missing) or not answer.clock:
            continue
        ahead = answer.clock - answer.answered
        behind = answer.asked - answer.clock
        if max(ahead, behind) > SKEW:
            word = "ahead of" if ahead > 0 else "behind"
            yield Trouble(f"the clock of {name} is {span(max(ahead, behind))} {word} ours")


def _quick(facts: Facts) -> Iterator[Trouble]:
    for name, answer in grid_of(facts).services.items():
        if not isinstance(answer, Missing) and answer.answered - answer.asked > SLOW:
            yield Trouble(f"{name} took {span(answer.answered - answer.asked)} to answer a ping")


def _lifetime(facts: Facts) -> str:
    grid = grid_of(facts)
    proxy = known(grid.proxy)
    return f"the proxy {proxy.file} lasts for {span(min(proxy.ends - grid.now, _LONG))}"


def _who(facts: Facts) -> str:
    caller = known(grid_of(facts).identity)
    return f"we are {caller.user} as {caller.group}, VO {caller.vo or 'none'}"


def _versions(facts: Facts) -> str:
    answers = {name: grid_of(facts).services.get(name) for name in NEEDED}
    return ", ".join(
        f"{name} answers, DIRAC {answer.version}"
        for name, answer in answers.items()
        if isinstance(answer, ServiceAnswer)
    )


CHECKS = (
    Check(
        "proxy",
        "there is a proxy, and it is valid",
        "error",
        _proxy,
        "renew it: dirac-proxy-init -g GROUP -o FILE, or let whoever renews it see to it",
    ),
    Check(
        "configuration",
        "the configuration of the grid can be read",
        "error",
        _configuration,
        "correct config of the connection (--config): a file, or the URL of a Configuration Server",
    ),
    Check(
        "ca-certificates",
        "there are CA certificates that OpenSSL finds",
        "error",
        _authorities,
        "name the directory as ca_dir in the connection; `openssl rehash DIRECTORY` makes links",
    ),
    Check(
        "proxy-lifetime",
        "the proxy lasts for a day or more",
        "warning",
        _proxy_lasts,
        "check that something renews the file: productions wait when it has expired",
        _lifetime,
    ),
    Check(
        "proxy-private",
        "only its owner may read the proxy file",
        "warning",
        _proxy_is_private,
        "chmod 600 FILE: whoever reads it can act as this group",
    ),
    Check(
        "delegated-proxy",
        "the ProxyManager has a proxy of ours for a day or more",
        "warning",
        _delegated,
        "upload a long one: dirac-proxy-init -g GROUP --upload; agents without a shifter's proxy "
        "act by it",
    ),
    Check(
        "group-and-vo",
        "the grid takes us for the group and VO of the connection",
        "error",
        _group,
        "make a proxy with dirac-proxy-init -g GROUP, or correct group and vo of the connection",
        _who,
    ),
    Check(
        "rights",
        "our group may create transformations",
        "error",
        _rights,
        "use a proxy of a production group (property ProductionManagement)",
    ),
    Check(
        "services",
        "the services that every production needs answer",
        "error",
        _services,
        "ask who runs the grid; productions wait meanwhile, and go on by themselves",
        _versions,
    ),
    Check(
        "other-services",
        "the other services answer",
        "warning",
        _other_services,
        "ask who runs the grid",
    ),
    Check(
        "dirac-version",
        "the services run a version of DIRAC for which this is tested",
        "warning",
        _version,
        "try a small production first; tested is DIRAC 9.1",
    ),
    Check(
        "clocks",
        "the clocks of the services agree with ours",
        "warning",
        _clocks,
        "set the clocks by NTP: waits compare times of two machines, and certificates have times",
    ),
    Check(
        "quick-answers",
        "the services answer within seconds",
        "warning",
        _quick,
        "ask who runs the grid; a longer timeout of the connection helps for the moment",
    ),
)
