"""Opens a gateway from an Airflow connection of type ``dirac``.

Invariant: only the extras named in ``GatewaySettings`` are read, each is checked, and none is
logged. Opening makes no call: a DAG parse or a UI form never touches the grid.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from pydantic import TypeAdapter, ValidationError

from dirac_prodsys.errors import GatewayRejected, ProdsysError
from dirac_prodsys.gateway import open_gateway
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.provider.reporting import metrics

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from dirac_prodsys.core.doctor.check import Diagnosis

#: prefix that Airflow's connection form may put before the names of our fields
_FORM_PREFIX = "extra__dirac__"

_NAMES = tuple(field.name for field in dataclasses.fields(GatewaySettings))
#: most seconds of one question of a connection test
_MOST = 10.0
_SECONDS = ("timeout", "poll_interval", "agent_cycle")


@functools.cache
def _adapter() -> TypeAdapter[GatewaySettings]:
    return TypeAdapter(GatewaySettings)


def settings_from_extra(conn_id: str, extra: str | None) -> GatewaySettings:
    """Return the settings in a connection's ``extra`` (JSON text); empty fields count as not given.

    :raises GatewayRejected: not a JSON object, an unknown name, or a value of the wrong kind.
    """
    where = f"connection {conn_id!r}"
    try:
        data: Any = json.loads(extra) if extra else {}
    except json.JSONDecodeError as error:
        raise GatewayRejected(f"{where}: the extra is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise GatewayRejected(f"{where}: the extra must be a JSON object")
    given = {
        str(name).removeprefix(_FORM_PREFIX): value.strip() if isinstance(value, str) else value
        for name, value in data.items()
    }
    if unknown := sorted(set(given) - set(_NAMES)):
        raise GatewayRejected(
            f"{where}: unknown extra {', '.join(map(repr, unknown))}",
            f"known are: {', '.join(_NAMES)}",
        )
    given = {name: value for name, value in given.items() if value not in (None, "")}
    try:
        settings = _adapter().validate_python(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise GatewayRejected(
            f"{where}: extra {'.'.join(map(str, first['loc']))!r}: {first['msg']}"
        ) from None
    for name in _SECONDS:
        if not 0 < getattr(settings, name) < float("inf"):
            raise GatewayRejected(f"{where}: extra {name!r} must be a number of seconds above 0")
    return settings


class DiracHook(BaseHook):
    """Represents one grid and one identity, as a connection describes them.

    :param dirac_conn_id: connection of type ``dirac``.
    """

    conn_name_attr = "dirac_conn_id"
    default_conn_name = "dirac_default"
    conn_type = "dirac"
    hook_name = "DIRAC"

    def __init__(self, dirac_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.dirac_conn_id = dirac_conn_id

    def _settings_of(self, connection: Connection) -> GatewaySettings:
        if connection.conn_type not in (None, self.conn_type):
            raise GatewayRejected(
                f"connection {self.dirac_conn_id!r} is of type {connection.conn_type!r}",
                "name a connection of type 'dirac'",
            )
        return settings_from_extra(self.dirac_conn_id, connection.extra)

    def settings(self) -> GatewaySettings:
        """Return the settings that the connection holds now.

        :raises GatewayRejected: a wrong type or extra.
        """
        return self._settings_of(self.get_connection(self.dirac_conn_id))

    async def asettings(self) -> GatewaySettings:
        """Return the same inside an event loop, without blocking it."""
        return self._settings_of(await self.aget_connection(self.dirac_conn_id))

    @functools.cached_property
    def _gateway(self) -> ProductionGateway:
        metrics.report_calls()
        return open_gateway(self.settings())

    def gateway(self) -> ProductionGateway:
        """Return the gateway of this connection, opened once per hook and without a call."""
        return self._gateway

    def get_conn(self) -> ProductionGateway:
        """Return the gateway; Airflow's name for :meth:`gateway`."""
        return self.gateway()

    def test_connection(self) -> tuple[bool, str]:
        """Return who we are on the grid and what doctor finds there, or why it does not answer.

        The connection is good unless something stops productions.
        """
        try:
            identity = self.gateway().ping()
            found = self._diagnoses()
        except ProdsysError as error:
            return False, str(error)
        who = f"{identity.user} as {identity.group}" if identity.group else identity.user
        vo = f", VO {identity.vo}" if identity.vo else ""
        lines = [f"DIRAC {identity.version} answers; we are {who}{vo}"]
        for one in found:
            if one.outcome == "found" and one.severity != "note":
                lines.append(f"{one.severity}: {one.what} ({one.code})\n  hint: {one.way_out}")
        return not any(one.stops for one in found), "\n".join(lines)

    def _diagnoses(self) -> list[Diagnosis]:
        """Return what doctor finds on the grid; it asks no longer than a person waits."""
        from dirac_prodsys.core.doctor import check, needs, table
        from dirac_prodsys.core.doctor.facts import Facts
        from dirac_prodsys.gateway.procedures.examination import examine

        settings = self.settings()
        asked = dataclasses.replace(settings, timeout=min(settings.timeout, _MOST))
        grid = examine(open_gateway(asked))
        return check.examine(Facts(grid, needs=needs.of_grid(grid)), table.grid_checks())
