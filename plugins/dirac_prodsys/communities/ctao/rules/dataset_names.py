"""Names datasets as CTAO does, of the metadata of their files.

``raw``   ``Prod5b_LaPalma_Alpha_NSB1x_gamma_North_20deg_DL0``, as people write it by hand
``dl2``   ``cta-prod-create-dataset-description`` (CTADIRAC 3.1.0)
``evndisp``   ``cta-prod-create-evndisp-dataset-description``

Invariant: for metadata that these commands accept, the names are theirs, letter by letter: they
write the azimuth of ``phiP`` 180 as 000, and everything after the first letter small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dirac_prodsys.communities.ctao.types.vocabulary import PHI
from dirac_prodsys.core.steps.dataset_names import as_text
from dirac_prodsys.errors import DefinitionError

_LEVELS = {-1: "R1", 0: "DL0"}
_POINTINGS = {phi: name for name, phi in PHI.items()}

#: ``split`` of particles whose files are not divided: all of them are for tests
_UNDIVIDED = "test"


def raw(known: Mapping[str, Any]) -> str:
    """Return the name for simulated files.

    :raises KeyError: a field is missing.
    :raises DefinitionError: the files are no simulated ones.
    """
    level = _LEVELS.get(known["data_level"])
    pointing = _POINTINGS.get(known["phiP"])
    if level is None or pointing is None:
        raise DefinitionError(
            f"ctao:raw has no name for data_level {known['data_level']}, phiP {known['phiP']}",
            "raw files have data_level -1 or 0, and point to North, South, East or West",
        )
    parts = [
        known["MCCampaign"],
        known["site"],
        known["array_layout"],
        f"NSB{as_text(known['nsb'])}x",
        known["particle"],
        pointing,
        f"{int(known['thetaP'])}deg",
        *([f"{known['div_ang']}div"] if known.get("div_ang") else []),
        level,
        *([known["split"]] if known.get("split") else []),
    ]
    return "_".join(str(part) for part in parts)


def dl2(known: Mapping[str, Any]) -> str:
    """Return the name for files that ctapipe has processed.

    :raises KeyError: a field is missing.
    :raises DefinitionError: the files are none that are published.
    """
    program, merged = known["analysis_prog"], known["merged"]
    suffix = "DL2GeoEneGam"
    if program == "ctapipe-merge" and merged:
        suffix = "DL1ImgParDL2Geo" if merged == 1 else "DL1ParDL2Geo"
    elif program != "ctapipe-apply-models":
        raise DefinitionError(
            f"ctao:dl2 has no name for files of {program}, merged {merged}",
            "it names files of ctapipe-merge and of ctapipe-apply-models",
        )
    divergence = f"div{known['div_ang']}" if known.get("div_ang") else ""
    parts = [
        *_begin(known),
        str(known["particle"]).lower(),
        f"{_pointing(known)}{divergence}",
        str(known["analysis_prog_version"]).lower(),
        f"{known.get('split') or _UNDIVIDED}_merged",
    ]
    return f"{'_'.join(parts).capitalize()}.{suffix}"


def evndisp(known: Mapping[str, Any]) -> str:
    """Return the name for files that EventDisplay has processed.

    :raises KeyError: a field is missing.
    """
    parts = [
        *_begin(known),
        str(known["particle"]).lower(),
        _pointing(known),
        str(known["analysis_prog_version"]).lower(),
        "evndisp_DL1",
    ]
    return "_".join(parts).capitalize()


def _begin(known: Mapping[str, Any]) -> list[str]:
    return [str(known[field]).lower() for field in ("MCCampaign", "site", "array_layout")]


def _pointing(known: Mapping[str, Any]) -> str:
    azimuth = {180: "000", 0: "180"}.get(known["phiP"])
    if azimuth is None:
        raise DefinitionError(
            f"CTAO's names have no azimuth for phiP {known['phiP']}",
            "name it by ${{ metadata.FIELD }}: they know phiP 180 and 0 only",
        )
    return f"zen0{int(known['thetaP'])}az{azimuth}nsb0{as_text(known['nsb'])}x"


CONVENTIONS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "raw": raw,
    "dl2": dl2,
    "evndisp": evndisp,
}
