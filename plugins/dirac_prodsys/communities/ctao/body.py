"""Renders a job body of CTAO: the workflow XML that CTADIRAC's own job classes write.

What a job runs is CTADIRAC's knowledge and stays there; ``rules`` decide what it is given
(settings, metadata). The classes are set up as ``WorkflowElement`` does it, and never asked for
metadata of their own.

Invariant: nothing of this machine gets in. Without a proxy and a configuration CTADIRAC writes the
same bytes. With them it would add the VO of a proxy as job group, and drop sites unknown to the
configuration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dirac_prodsys.communities.ctao.types.lines import UNFIT
from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.dirac_import import import_dirac

#: versions of CTADIRAC whose bodies are proved equal to what its own classes give; a site chooses
#: one by the connection's ``dirac_python``. The plans are the same for all
SPOKEN = ("3.1.0", "3.3.1")

CLASSES = "CTADIRAC.Interfaces.API"

#: settings that a class takes by a method, if it has it; all others are attributes
METHODS = {
    "cpu_time": "setCPUTime",
    "tag": "setTag",
    "particle": "set_particle",
    "pointing_dir": "set_pointing_dir",
    "layout": "set_layout",
    "moon": "set_moon",
    "sct": "set_sct",
    "magic": "set_magic",
    "only_corsika": "set_only_corsika",
    "sequential": "set_sequential_mode",
    "div_ang": "set_div_ang",
    "random_mono_probability": "set_random_mono_probability",
    "instrument_random_seeds": "set_instrument_random_seeds",
    "systematic_uncertainty_to_test": "set_systematic_uncertainty_to_test",
}


def render(body: CommunityBody) -> str:
    """Return the workflow XML of a job.

    :raises GatewayRejected: CTADIRAC is not installed, or cannot build this job; or the spec lacks
        the query of a dataset.
    """
    if body.unresolved:
        raise GatewayRejected(
            f"the query of dataset {', '.join(body.unresolved)} was not looked up",
            "the job's metadata depend on it: plan with the queries of all datasets",
        )
    for text in UNFIT:
        if text in body.model_dump_json():
            raise GatewayRejected(f"a job holds the text {text}", "DIRAC cannot keep it: reword")
    kind = _job_class(body.job_class)
    try:
        job = kind()
        job.workflow.findParameter("JobGroup").setValue("")
        for key, value in body.settings:
            _set(job, key, value)
        job.output_metadata = _metadata(dict(body.output_metadata))
        job.output_file_metadata = _metadata(dict(body.file_metadata))
        job.set_executable_sequence(debug=False)
        xml: str = job.workflow.toXML()
    except (Exception, SystemExit) as error:  # CTADIRAC may end the process instead of raising
        raise GatewayRejected(
            f"CTADIRAC's {body.job_class} cannot build the job: {type(error).__name__} {error}",
            f"see the settings of the step; CTADIRAC {' and '.join(SPOKEN)} are known to work",
        ) from error
    return xml


def _job_class(name: str) -> Callable[[], Any]:
    try:
        kind: Callable[[], Any] = getattr(import_dirac(f"{CLASSES}.{name}"), name)
    except ModuleNotFoundError as error:
        raise GatewayRejected(
            f"jobs of CTAO are built by CTADIRAC: there is no module {error.name} here",
            "install the extra: pip install 'dirac-prodsys[ctao]'",
        ) from error
    return kind


def _metadata(values: dict[str, Any]) -> Any:
    """Convert to the type that CTADIRAC's classes take, which refuses fields it does not know."""
    metadata = import_dirac(f"{CLASSES}.CTAJob").MetadataDict()
    metadata.update(values)
    return metadata


def _set(job: Any, key: str, value: Any) -> None:
    special = _SPECIAL.get(key)
    method = getattr(job, METHODS.get(key, ""), None)
    if special is not None:
        special(job, value)
    elif method is not None:
        method(value)
    else:
        setattr(job, key, value)


def _processors(job: Any, value: Any) -> None:
    job.setNumberOfProcessors(minNumberOfProcessors=value)


def _destination(job: Any, value: Any) -> None:
    """Set the sites as ``Job.setDestination`` does, without its look-up in the configuration."""
    listed = isinstance(value, list)
    sites = value if listed else value.replace(" ", "").split(",")
    wanted = sorted({site for site in sites if site.lower() not in ("any", "")})
    description = "List of sites selected by user" if listed else "User specified destination site"
    if wanted:
        job._addParameter(job.workflow, "Site", "JDL", ";".join(wanted), description)


def _simpipe(job: Any, value: Any) -> None:
    """Set the content of its configuration, which the class would read from a named file."""
    job._load_config_file = lambda name: json.loads(value)
    job.set_simpipe_config("")


_SPECIAL: Mapping[str, Callable[[Any, Any], None]] = {
    "nb_processors": _processors,
    "destination": _destination,
    "simpipe_config": _simpipe,
}
