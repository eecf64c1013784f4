"""Run numbers of a campaign belong to one transformation, on the in-memory grid and on DIRAC."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.run_numbers import RUN_NUMBERS
from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.errors import Conflict, GatewayUnavailable
from tests.contract.systems import Gateway, Interrupted, by_hand, lost, spec, unique


def using(numbers: str, name: str = "") -> TransformationSpec:
    return spec(name or unique(), parameters={RUN_NUMBERS: numbers})


def used(gateway: Gateway, campaign: str) -> list[tuple[str, int, int]]:
    return [(found.owner, found.first, found.last) for found in gateway.used_runs(campaign)]


def test_numbers_are_kept_and_found_by_their_campaign(gateway: Gateway) -> None:
    campaign = unique("PROD")
    assert used(gateway, campaign) == []
    one, two = using(f"{campaign}:1-100"), using(f"{campaign}:101-200")
    for each in (one, two, using(f"{unique('OTHER')}:1-100")):
        gateway.create_transformation(each)
    assert sorted(used(gateway, campaign)) == sorted([(one.name, 1, 100), (two.name, 101, 200)])
    assert gateway.create_transformation(one).adopted


def test_a_number_that_is_used_is_refused_and_nothing_is_left(gateway: Gateway) -> None:
    campaign = unique("PROD")
    first = using(f"{campaign}:1-100")
    made = gateway.create_transformation(first)
    second = using(f"{campaign.lower()}:100-199")
    with pytest.raises(Conflict) as refused:
        gateway.create_transformation(second)
    reason = f"overlap with 1 to 100, which transformation {made.id} {first.name} uses"
    assert reason in refused.value.reason
    assert gateway.find_transformation(second.name) is None


def test_numbers_of_a_removed_transformation_are_free(gateway: Gateway) -> None:
    campaign = unique("PROD")
    made = gateway.create_transformation(using(f"{campaign}:1-100"))
    by_hand(gateway, made.id, "Status", "Cleaned")
    again = using(f"{campaign}:1-100")
    gateway.create_transformation(again)
    assert used(gateway, campaign) == [(again.name, 1, 100)]


def test_a_creation_that_died_before_it_wrote_its_numbers_writes_them_when_repeated(
    gateway: Gateway,
) -> None:
    campaign = unique("PROD")
    wanted = using(f"{campaign}:1-100")
    real = gateway.services
    gateway.services = Interrupted(real, "setTransformationParameter", lost(), before=True)
    with pytest.raises(GatewayUnavailable):
        gateway.create_transformation(wanted)
    gateway.services = real
    assert used(gateway, campaign) == []
    gateway.create_transformation(wanted)
    assert used(gateway, campaign) == [(wanted.name, 1, 100)]


def test_who_sees_another_after_it_has_written_its_own_withdraws(gateway: Gateway) -> None:
    campaign = unique("PROD")
    late = using(f"{campaign}:1-100")
    real = gateway.services
    gateway.services = Interrupted(real, "setTransformationParameter", lost(), before=True)
    with pytest.raises(GatewayUnavailable):
        gateway.create_transformation(late)
    gateway.services = real
    other = using(f"{campaign}:50-60")
    gateway.create_transformation(other)
    with pytest.raises(Conflict):
        gateway.create_transformation(late)
    assert used(gateway, campaign) == [(other.name, 50, 60)]
