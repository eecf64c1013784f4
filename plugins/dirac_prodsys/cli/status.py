"""``dirac-prodsys status``: what the grid says about the transformations of a run, right now.

Invariant: read-only, and only what the gateway's snapshot says: state words and counts, no verdict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dirac_prodsys.cli import grid_options as on
from dirac_prodsys.cli.exits import readable_errors

if TYPE_CHECKING:
    from rich.table import Table

    from dirac_prodsys.core.snapshot import Snapshot
    from dirac_prodsys.gateway.protocol import ProductionGateway


def status(
    names: on.Names = None,
    file: on.File = None,
    run: on.Run = "",
    as_json: on.AsJson = False,
    backend: on.Backend = "dirac",
    config: on.Config = "",
    proxy: on.Proxy = "",
    group: on.Group = "",
    timeout: on.Timeout = 60.0,
) -> None:
    """Show state and counts of transformations, by name or by production file and run tag."""
    from rich.console import Console

    with readable_errors():
        on.demand_names("status", names, file)
        gateway = on.gateway_of(backend, config, proxy, group, timeout)
        wanted = [*(names or []), *(_names_of(gateway, file, run) if file else [])]
        snapshots = look(gateway, wanted)
    if as_json:
        rows = [snapshot.to_dict() for snapshot in snapshots]
        typer.echo(json.dumps({"transformations": rows}, indent=2))
    else:
        Console(highlight=False).print(status_table(snapshots))


def look(gateway: ProductionGateway, names: Sequence[str]) -> list[Snapshot]:
    """The snapshots of the named transformations, in the order of ``names``; of one that has begun
    anew, that of the newest.

    :raises NotFound: one of them does not exist; nothing is shown then, lest it look complete.
    """
    records = on.existing(gateway, names)
    snapshots = gateway.snapshot([record.id for record in records])
    return [snapshots[record.id] for record in records if record.id in snapshots]


def status_table(snapshots: Sequence[Snapshot]) -> Table:
    """The snapshots as a table, states and counts verbatim."""
    from rich.table import Table

    table = Table("ID", "Name", "Type", "Status", "Tasks", "Files", box=None)
    for snapshot in snapshots:
        table.add_row(
            str(snapshot.id),
            snapshot.name,
            snapshot.type,
            str(snapshot.status),
            _counts(snapshot.tasks),
            _counts(snapshot.files),
        )
    return table


def _names_of(gateway: ProductionGateway, file: Path, run: str) -> list[str]:
    return [step.transformation.name for step in on.plan_of(gateway, file, run).steps]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{state} {number}" for state, number in sorted(counts.items())) or "-"
