"""Bodies of CTAO's jobs: what CTADIRAC's classes are given, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from dirac_prodsys.core.grid.specs import CtaoSpec
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.bodies import render

SPEC = CtaoSpec(
    job_class="CtapipeProcessJob",
    settings=(
        ("version", "v0.23.0"),
        ("base_path", "/ctao/MC"),
        ("output_extension", "DL2.h5"),
        ("destination", "LCG.B.xx, LCG.A.xx,ANY"),
        ("nb_processors", 4),
    ),
    output_metadata=(("site", "LaPalma"), ("phiP", 180.0)),
    file_metadata=(("nsb", 1),),
)


def test_settings_and_metadata_are_in_the_body_in_their_order_and_form():
    body = render(SPEC)
    assert """'{"site": "LaPalma", "phiP": 180.0}' '{"nsb": 1}' /ctao/MC""" in body
    assert "--out_ext DL2.h5" in body
    assert "<value><![CDATA[LCG.A.xx;LCG.B.xx]]></value>" in body


def test_a_spec_that_was_stored_as_json_gives_the_same_bytes():
    assert render(CtaoSpec.model_validate_json(SPEC.model_dump_json())) == render(SPEC)


def test_the_order_of_metadata_is_part_of_the_spec():
    turned = SPEC.model_copy(update={"output_metadata": SPEC.output_metadata[::-1]})
    assert turned != SPEC
    assert turned.digest != SPEC.digest
    assert render(turned) != render(SPEC)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unresolved": ("raw",)}, "the query of dataset raw was not looked up"),
        ({"settings": (*SPEC.settings, ("options", "a ]]> b"))}, "a job holds the text ]]>"),
        ({"settings": (*SPEC.settings, ("options", "-n %n"))}, "a job holds the text %n"),
        ({"output_metadata": (("colour", "red"),)}, "cannot build the job: KeyError"),
        ({"job_class": "MCPipeJob", "settings": (("moon", "full"),)}, "SystemExit"),
        ({"job_class": "NoSuchJob"}, "there is no module CTADIRAC.Interfaces.API.NoSuchJob"),
    ],
)
def test_what_cannot_be_built_is_refused_with_a_reason(changes, reason):
    with pytest.raises(GatewayRejected) as refused:
        render(SPEC.model_copy(update=changes))
    assert reason in refused.value.reason
    assert refused.value.hint


def test_without_ctadirac_the_extra_is_named():
    code = f"""
        import sys
        sys.modules["CTADIRAC"] = None  # as if it were not installed
        from dirac_prodsys.core.grid.specs import CtaoSpec
        from dirac_prodsys.errors import GatewayRejected
        from dirac_prodsys.gateway.bodies import render
        try:
            render(CtaoSpec.model_validate_json({SPEC.model_dump_json()!r}))
        except GatewayRejected as refused:
            print(refused)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "jobs of CTAO are built by CTADIRAC: there is no module" in done.stdout, done.stderr
    assert "pip install 'dirac-prodsys[ctao]'" in done.stdout


def test_the_body_does_not_depend_on_the_folder_or_the_proxy(tmp_path, monkeypatch):
    here = render(SPEC)
    (tmp_path / "cta-prod-managedata").write_text("a script of that name lies here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("X509_USER_PROXY", str(tmp_path / "cta-prod-managedata"))
    again = SPEC.model_copy(update={"unresolved": ()})
    from dirac_prodsys.gateway.bodies import ctao

    assert ctao.render(again) == here
