"""Reads the configuration of the simulation pipeline, and derives the output from it.

A configuration with ``job_grid_file`` makes each job take a row of that ledger. Then only the jobs
know what they simulate, and the step has no output that others could find.

Invariant: a missing setting is found here, not only by CTADIRAC's ``SimPipeJob`` while it is built,
or on a worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.ctao.rules.outputs import CtaoOutput, program
from dirac_prodsys.communities.ctao.types.settings import Settings
from dirac_prodsys.core.problems import nearest
from dirac_prodsys.core.steps.context import StepContext

#: site of the configuration → site of the catalogue
SITES = {"North": "LaPalma", "South": "Paranal"}

#: compass word → azimuth in degrees
AZIMUTHS = {"north": 0, "south": 180, "east": 90, "west": 270}

#: the ledger's key
LEDGER = "job_grid_file"

NEEDED = (
    "array_layout_name",
    "site",
    "primary",
    "azimuth_angle",
    "model_version",
    "grid_output_path",
)
_ELSEWHERE = ("run_number", "run_number_offset")


def simulated(context: StepContext, settings: Settings) -> CtaoOutput | None:
    """Return the output of a step of the simulation pipeline; None if only its jobs know it.

    Also None, with the problems noted, if the configuration is wrong.
    """
    here = context.below("job", "simpipe_config")
    written = settings["simpipe_config"]
    if not isinstance(written, Mapping):
        reason = f"the configuration {written!r} cannot be read here"
        hint = "write what stands in it below simpipe_config, instead of its name"
        here.add((), reason, hint, code="unreadable")
        return None
    if LEDGER in written:
        return None
    config = {key.lower(): value for key, value in written.items()}
    if not _complete(config, here):
        return None
    attributes = {**settings.kind.attributes, **settings.attributes}
    if config.get("simulation_software") == "corsika":
        attributes |= {"program_category": "airshower_sim", "prog_name": "corsika"}
    azimuth = _degrees(config["azimuth_angle"])
    metadata = {
        "array_layout": config["array_layout_name"],
        "site": SITES[config["site"]],
        "particle": config["primary"].lower(),
        "phiP": float(round((azimuth + 180) % 360, 2)),
        "thetaP": float(config.get("zenith_angle", attributes["zenith_angle"])),
        "sct": "True" if "_scts" in config["array_layout_name"] else "False",
        **program(attributes),
    }
    return CtaoOutput(context.step.name, metadata, settings.files)


def _complete(config: Mapping[str, Any], here: StepContext) -> bool:
    before = len(here.problems.found)
    for key in NEEDED:
        if config.get(key) is None:
            reason = f"key {key!r} is missing in the configuration of the simulation pipeline"
            here.add((key,), reason, f"add {key}", on_key=True, code="missing-key")
    for key in _ELSEWHERE:
        if key in config:
            hint = "run_number_offset belongs into job_config; the run number is the task ID"
            reason = f"{key} does not belong here"
            here.add((key,), reason, hint, on_key=True, code="unknown-key")
    for key in ("array_layout_name", "primary", "site"):
        if key in config and not isinstance(config[key], str | None):
            here.add((key,), "should be text", "quote it", code="wrong-type")
    if isinstance(config.get("site"), str) and config["site"] not in SITES:
        hint = nearest(config["site"], SITES)
        reason = f"{config['site']!r} is no site known here"
        here.add(("site",), reason, hint, code="unknown-word")
    if config.get("azimuth_angle") is not None and _degrees(config["azimuth_angle"]) is None:
        reason = f"{config['azimuth_angle']!r} is no azimuth angle"
        hint = f"write degrees, or one of: {', '.join(AZIMUTHS)}"
        here.add(("azimuth_angle",), reason, hint, code="wrong-value")
    zenith = config.get("zenith_angle", 20.0)
    if isinstance(zenith, bool) or not isinstance(zenith, int | float):
        hint = "write the zenith angle in degrees"
        here.add(("zenith_angle",), "should be a number", hint, code="wrong-type")
    return len(here.problems.found) == before


def _degrees(azimuth: Any) -> Any:
    """Return degrees for a number or a compass word; None if it is neither."""
    if isinstance(azimuth, str):
        if azimuth.lower() in AZIMUTHS:
            return float(AZIMUTHS[azimuth.lower()])
        try:
            return float(azimuth)
        except ValueError:
            return None
    return float(azimuth) if isinstance(azimuth, int | float) else None
