"""Defines how the subcommands name a dataset: by its full path, or by its last part alone.

Invariant: a last part alone is looked for in ``/VO/datasets``, where VO is that of the proxy; a
dataset elsewhere has to be named in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dirac_prodsys.gateway.protocol import ProductionGateway

Dataset = Annotated[
    str,
    typer.Argument(metavar="DATASET", help="Its full path, or its last part if in /VO/datasets."),
]


def default_folder(gateway: ProductionGateway) -> str:
    """Return the folder of datasets of the VO."""
    return f"/{gateway.ping().vo}/datasets"


def full_path(gateway: ProductionGateway, name: str) -> str:
    """Return the full path of a dataset."""
    return name if name.startswith("/") else f"{default_folder(gateway)}/{name}"
