"""A connection's extras: only those we know, each of the right kind, none of them shown."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.deployment.provider_info import CONNECTION_FIELDS, get_provider_info
from dirac_prodsys.provider.hook import DiracHook, settings_from_extra


def read(**extra: object) -> GatewaySettings:
    return settings_from_extra("c", json.dumps(extra))


def test_an_empty_extra_gives_the_defaults() -> None:
    assert settings_from_extra("c", None) == settings_from_extra("c", "{}") == GatewaySettings()


def test_empty_fields_of_the_form_count_as_not_given() -> None:
    assert read(group="", timeout=None, vo="  ") == GatewaySettings()


def test_a_form_may_prefix_names_and_send_numbers_as_text() -> None:
    assert read(extra__dirac__timeout="12.5", extra__dirac__vo="ctao").timeout == 12.5


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ('{"pol_interval": 3}', "unknown extra 'pol_interval'"),
        ("[1]", "must be a JSON object"),
        ("{oops", "is not JSON"),
        ('{"timeout": "soon"}', "extra 'timeout'"),
        ('{"timeout": 0}', "seconds above 0"),
        ('{"agent_cycle": -1}', "seconds above 0"),
        ('{"poll_interval": "inf"}', "seconds above 0"),
        ('{"proxy": 7}', "extra 'proxy'"),
    ],
)
def test_a_wrong_extra_is_named_with_its_connection(extra: str, reason: str) -> None:
    with pytest.raises(GatewayRejected, match="connection 'c'") as caught:
        settings_from_extra("c", extra)
    assert reason in str(caught.value)


def test_a_wrong_value_is_not_repeated_in_the_message() -> None:
    with pytest.raises(GatewayRejected) as caught:
        read(timeout="secret-by-mistake")
    assert "secret-by-mistake" not in str(caught.value)


def test_a_connection_of_another_type_is_refused(connect: Callable[..., str]) -> None:
    connect("other", conn_type="http")
    with pytest.raises(GatewayRejected, match="'http'"):
        DiracHook("other").settings()


def test_the_test_button_tells_who_we_are(grid: MemoryGrid) -> None:
    good, message = DiracHook().test_connection()
    assert good
    assert "memory_prod" in message


def test_the_test_button_tells_what_doctor_finds_and_fails_if_it_stops_productions(
    grid: MemoryGrid,
) -> None:
    grid.catalogue.directory_fields["Status"] = "int"
    good, told = DiracHook().test_connection()
    assert good
    assert "warning: Status is a metadata field" in told
    assert "(fields-reserved)\n  hint: use another field" in told
    assert "24 bits" not in told  # a note
    grid.production_groups = {"memory_prod"}
    grid.options["/Operations/Defaults/Transformations/DataManipulation"] = "Merging"
    good, told = DiracHook().test_connection()
    assert not good
    assert "error: Merging is in both" in told


def test_the_test_button_tells_what_is_wrong(grid: MemoryGrid, connect: Callable[..., str]) -> None:
    grid.down = True
    assert DiracHook().test_connection() == (False, "the in-memory grid is down")
    connect("typo", backend="diraq")
    good, message = DiracHook("typo").test_connection()
    assert not good
    assert "diraq" in message


async def test_settings_are_read_inside_an_event_loop(connect: Callable[..., str]) -> None:
    connect("c", vo="ctao")
    assert (await DiracHook("c").asettings()).vo == "ctao"


def test_every_setting_has_a_field_in_the_form() -> None:
    assert set(CONNECTION_FIELDS) == set(GatewaySettings.__dataclass_fields__)


def test_airflow_accepts_the_provider_and_its_hook(connect: Callable[..., str]) -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    info = manager.hooks["dirac"]
    assert info is not None
    assert info.hook_class_name == "dirac_prodsys.provider.hook.DiracHook"
    assert info.connection_testable
    widgets = manager.connection_form_widgets
    assert {f"extra__dirac__{name}" for name in CONNECTION_FIELDS} <= set(widgets)
    assert "login" in manager.field_behaviours["dirac"]["hidden_fields"]
    links = get_provider_info()["extra-links"]
    assert set(links) <= set(manager.extra_links_class_names)
