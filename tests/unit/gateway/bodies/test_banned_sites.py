"""Sites in a body: added, listed, and taken out again without a trace."""

from __future__ import annotations

import json

import pytest
from DIRAC.Core.Workflow.Workflow import fromXMLString

from dirac_prodsys.core.grid.specs import Command, JobSpec
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.bodies import render
from dirac_prodsys.gateway.bodies.banned_sites import as_created, avoided_sites, avoiding

XML = render(JobSpec(name="m", job_type="Merging", commands=(Command(executable="m"),)))
JSON = json.dumps({"kind": "job", "name": "m"}, sort_keys=True)


@pytest.mark.parametrize("body", [XML, JSON], ids=["workflow", "memory"])
def test_what_is_added_can_be_listed_and_taken_out(body: str) -> None:
    once = avoiding(body, ["LCG.B.org"])
    twice = avoiding(once, ["LCG.A.org", "LCG.B.org"])
    assert avoided_sites(body) == ()
    assert avoided_sites(once) == ("LCG.B.org",)
    assert avoided_sites(twice) == ("LCG.A.org", "LCG.B.org")
    assert as_created(twice) == as_created(once) == as_created(body) == body
    assert avoiding(body, []) == body
    assert avoiding(twice, ["LCG.A.org"]) == twice


def test_dirac_reads_it_as_a_parameter_of_its_own() -> None:
    workflow = fromXMLString(avoiding(XML, ["LCG.A.org", "LCG.B.org"]))
    parameter = workflow.findParameter("BannedSites")
    assert (parameter.getValue(), parameter.getType()) == ("LCG.A.org;LCG.B.org", "JDL")
    assert workflow.findParameter("JobType").getValue() == "Merging"


@pytest.mark.parametrize("body", ["", "Removal;RemoveReplica", '[["RemoveReplica", {}]]'])
def test_requests_go_to_no_site(body: str) -> None:
    with pytest.raises(GatewayRejected, match="no jobs"):
        avoiding(body, ["LCG.A.org"])


def test_a_body_with_banned_sites_of_its_own_is_left_alone() -> None:
    own = XML.replace('name="Priority"', 'name="BannedSites"')
    with pytest.raises(GatewayRejected, match="of its own"):
        avoiding(own, ["LCG.A.org"])


@pytest.mark.parametrize("site", ["", "a b", "A;B", "]]>", '"'])
def test_what_is_no_site_is_refused(site: str) -> None:
    with pytest.raises(GatewayRejected, match="no name of a site"):
        avoiding(XML, [site])
