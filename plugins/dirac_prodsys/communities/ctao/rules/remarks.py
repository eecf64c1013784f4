"""Notes remarks on CTAO's files that are no mistakes: most show where CTADIRAC differs.

Invariant: a remark never changes a plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dirac_prodsys.communities.ctao.rules.draft import CtaoDraft
from dirac_prodsys.communities.ctao.types.settings import WITH_SCTS
from dirac_prodsys.core.problems import Path, Problems

#: rules of this community, and of ``core/proof/findings.py``
DIFFERS = "ctadirac-differs"
WIDE = "wide-input"
FED = "fed-by-others"

#: keys of ``Common`` that CTADIRAC takes for plain attributes of the job, whatever they mean
AS_IN_JOB_CONFIG = frozenset(
    {
        "catalogs",
        "cpu_time",
        "destination",
        "div_ang",
        "group_size",
        "instrument_random_seeds",
        "layout",
        "magic",
        "moon",
        "nb_processors",
        "nsb",
        "only_corsika",
        "random_mono_probability",
        "sct",
        "sequential",
        "simpipe_config",
        "split",
        "tag",
    }
)

#: keys that steps with a parent may have; with others, CTADIRAC's ``MetadataDict`` fails
_OF_CHILDREN = frozenset(
    {
        "type",
        "version",
        "group_size",
        "options",
        "output_extension",
        "data_level",
        "array_layout",
        "catalogs",
        "split",
        "nsb",
        "div_ang",
        "moon",
        "instrument_random_seeds",
        "MCCampaign",
        "configuration_id",
        "merged",
        "particle",
        "phiP",
        "thetaP",
        "prog_name",
        "sct",
        "site",
        "view_cone",
    }
)


def remark(
    drafts: Mapping[str, CtaoDraft], feeders: Mapping[str, tuple[str, ...]], problems: Problems
) -> None:
    """Note all remarks on these steps, in their order."""
    for name, drafted in drafts.items():
        _settings(drafted, ("steps", name, "job"), problems)
    of_inputs(drafts, feeders, problems)
    _siblings(drafts, problems)


def of_inputs(
    drafts: Mapping[str, CtaoDraft], feeders: Mapping[str, tuple[str, ...]], problems: Problems
) -> None:
    """Note remarks on the input of these steps, in any form."""
    for name, drafted in drafts.items():
        _input(drafted, feeders[name], ("steps", name, "input"), problems)


def _settings(drafted: CtaoDraft, path: Path, problems: Problems) -> None:
    config = drafted.settings.config
    if drafted.kind.simulation and config.get("pointing_dir") in ("East", "West"):
        problems.remark(
            (*path, "pointing_dir"),
            f"files that point {config['pointing_dir']} get the phiP of that direction",
            "CTADIRAC records phiP 0, which is South",
            code=DIFFERS,
        )
    keys = list(config)
    if drafted.kind.simulates_telescopes and "sct" in config and "version" in config:
        version = config["version"]
        if keys.index("sct") < keys.index("version") or WITH_SCTS in version:
            problems.remark(
                (*path, "sct"),
                f"the program is {version.removesuffix(WITH_SCTS)}{WITH_SCTS}",
                "CTADIRAC forgets the SCTs, or the version: write version first, without -sc",
                code=DIFFERS,
            )
    for key in keys if drafted.parents else ():
        if key not in _OF_CHILDREN and "_prog" not in key:
            problems.remark(
                (*path, key),
                f"CTADIRAC 3.1.0 itself fails at {key} in a step with a parent",
                "nothing to do, as long as the file is not for cta-prod-submit",
                on_key=True,
                code=DIFFERS,
            )


def _input(drafted: CtaoDraft, feeders: tuple[str, ...], path: Path, problems: Problems) -> None:
    query: Mapping[str, Any] = drafted.taken.query
    if not drafted.kind.simulation and "outputType" not in query:
        problems.remark(path, "the query takes log files, too", "add outputType: Data", code=WIDE)
    if feeders:
        problems.remark(
            path,
            f"it takes files that {', '.join(feeders)} of this production will make, and waits for "
            "them",
            "narrow the query if that is not meant",
            code=FED,
        )
    for field, value in (drafted.output.files if drafted.output else {}).items():
        if isinstance(value, Mapping):
            problems.remark(
                path,
                f"jobs may take files of several {field}, and cannot mark their own by one",
                f"select one {field}",
                code=WIDE,
            )


def _siblings(drafts: Mapping[str, CtaoDraft], problems: Problems) -> None:
    """Remark that CTADIRAC gives children of one parent the same query object, which all change."""
    changed: dict[str, dict[str, str]] = {}
    for name, drafted in drafts.items():
        for parent in drafted.parents:
            before = drafts[parent].output
            inherited = {} if before is None else before.query
            own = [key for key, value in drafted.taken.query.items() if inherited.get(key) != value]
            earlier = changed.setdefault(parent, {})
            leaking = {key: by for key, by in earlier.items() if key not in own}
            if leaking:
                added = ", ".join(f"the {key} of {by}" for key, by in leaking.items())
                problems.remark(
                    ("steps", name, "input"),
                    f"this query is as it is written here; CTADIRAC would add {added}",
                    "nothing to do, as long as the file is not for cta-prod-submit",
                    code=DIFFERS,
                )
            earlier.update(dict.fromkeys(own, name))
