"""``dirac-prodsys check``: do files, jobs and catalogue say the same?

Invariant: read-only without ``--repair``; with it, only files of which it is certain are changed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.cli import grid_options as on
from dirac_prodsys.cli.exits import readable_errors

if TYPE_CHECKING:
    from dirac_prodsys.core.specs import TransformationSpec

#: exit code when something does not fit
DIFFERS = 1


def check(
    names: on.Names = None,
    file: on.File = None,
    run: on.Run = "",
    as_json: on.AsJson = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set Processed the files of which that is certain.")
    ] = False,
    backend: on.Backend = "dirac",
    config: on.Config = "",
    proxy: on.Proxy = "",
    group: on.Group = "",
    timeout: on.Timeout = 60.0,
) -> None:
    """Compare files, jobs and catalogue; exit code 1 if anything does not fit.

    Which outputs there should be is known from the production file only.
    """
    from dirac_prodsys.cli.meant_names import records_of
    from dirac_prodsys.gateway import checking
    from dirac_prodsys.gateway.generations import find_newest

    with readable_errors():
        on.demand_names("check", names, file)
        gateway = on.gateway_of(backend, config, proxy, group, timeout)
        specs: dict[str, TransformationSpec] = {}
        if file is not None:
            plan = on.plan_of(gateway, file, run)
            planned = {step.transformation.name: step.transformation for step in plan.steps}
            newest = find_newest(gateway, list(planned))
            specs = {record.name: planned[name] for name, record in newest.items()}
            names = names or list(planned)
        found = {}
        for record in records_of(gateway, names or (), run):
            made = checking.check(gateway, record.id, specs.get(record.name))
            found[record.name] = checking.repair(gateway, record.id, made) if repair else made
    if as_json:
        typer.echo(json.dumps({name: one.to_dict() for name, one in found.items()}, indent=2))
    else:
        for name, one in found.items():
            typer.echo(
                "\n  ".join([f"{name}: {'' if one.found else 'all fits'}".rstrip(), *one.lines()])
            )
    if any(one.found for one in found.values()):
        raise typer.Exit(DIFFERS)
