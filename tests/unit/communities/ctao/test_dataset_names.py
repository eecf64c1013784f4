"""CTAO's names are those of ``cta-prod-create-dataset-description`` (CTADIRAC 3.1.0)."""

from __future__ import annotations

from typing import Any

import pytest

from dirac_prodsys.communities.ctao.rules.dataset_names import CONVENTIONS, dl2, evndisp, raw
from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.errors import DefinitionError

FIELDS: dict[str, Any] = {
    "MCCampaign": "PROD5b",
    "site": "LaPalma",
    "array_layout": "Alpha",
    "particle": "gamma-diffuse",
    "thetaP": 20.0,
    "phiP": 180.0,
    "nsb": 1,
    "analysis_prog": "ctapipe-merge",
    "analysis_prog_version": "v0.19.0",
    "merged": 1,
    "split": "train_en",
    "data_level": 0,
}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Prod5b_lapalma_alpha_gamma-diffuse_zen020az000nsb01x_v0.19.0_train_en_merged.DL1ImgParDL2Geo"),  # noqa: E501
        ({"merged": 3, "phiP": 0}, "Prod5b_lapalma_alpha_gamma-diffuse_zen020az180nsb01x_v0.19.0_train_en_merged.DL1ParDL2Geo"),  # noqa: E501
        ({"analysis_prog": "ctapipe-apply-models", "merged": 0, "particle": "gamma", "split": None}, "Prod5b_lapalma_alpha_gamma_zen020az000nsb01x_v0.19.0_test_merged.DL2GeoEneGam"),  # noqa: E501
        ({"div_ang": "0.0022"}, "Prod5b_lapalma_alpha_gamma-diffuse_zen020az000nsb01xdiv0.0022_v0.19.0_train_en_merged.DL1ImgParDL2Geo"),  # noqa: E501
    ],
)  # fmt: skip
def test_processed_files_have_the_names_of_the_command(changes: dict[str, Any], name: str) -> None:
    assert dl2({**FIELDS, **changes}) == name


def test_raw_files_have_the_names_that_people_write() -> None:
    known = {**FIELDS, "MCCampaign": "Prod5b", "split": None}
    assert raw(known) == "Prod5b_LaPalma_Alpha_NSB1x_gamma-diffuse_North_20deg_DL0"
    more = {**known, "data_level": -1, "div_ang": "0.0022", "split": "test", "phiP": 0}
    assert raw(more) == ("Prod5b_LaPalma_Alpha_NSB1x_gamma-diffuse_South_20deg_0.0022div_R1_test")


def test_files_of_event_display_have_the_names_of_its_command() -> None:
    known = {**FIELDS, "particle": "proton", "analysis_prog_version": "eventdisplay-v1"}
    name = "Prod5b_lapalma_alpha_proton_zen020az000nsb01x_eventdisplay-v1_evndisp_dl1"
    assert evndisp(known) == name


@pytest.mark.parametrize(
    ("convention", "changes"),
    [
        ("dl2", {"analysis_prog": "ctapipe-process"}),
        ("dl2", {"phiP": 270}),
        ("raw", {"data_level": 2}),
        ("raw", {"phiP": 17}),
    ],
)
def test_other_files_have_no_name(convention: str, changes: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        CONVENTIONS[convention]({**FIELDS, **changes})


def test_a_step_takes_its_name_from_the_convention() -> None:
    text = """\
version: 1
production: {name: names, vo: ctao}
steps:
  merge:
    type: Merging
    input: {where: {step: x}}
    job: {type: script, executable: merge}
    output:
      directory: /ctao/names
      se: DISK-A-SE
      metadata: {MCCampaign: PROD5b, site: LaPalma, array_layout: Alpha, particle: gamma,
        thetaP: 20.0, phiP: 180.0, analysis_prog: ctapipe-merge, merged: 1,
        analysis_prog_version: v0.19.0}
      file_metadata: {nsb: 1, split: test}
    dataset: {name: "/ctao/datasets/${{ ctao:dl2 }}"}
"""
    found = compile(load_production(text, "names.yaml"), run="r1").step("merge").dataset
    assert found is not None
    assert found.name == (
        "/ctao/datasets/Prod5b_lapalma_alpha_gamma_zen020az000nsb01x_v0.19.0_test_merged"
        ".DL1ImgParDL2Geo"
    )
