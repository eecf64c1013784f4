"""Writes how the datasets of a run came about, as PROV-JSON: ``dirac-prodsys history provenance``.

Invariant: read-only; the same records give the same document.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dirac_prodsys.cli.history.opening import opened
from dirac_prodsys.errors import LedgerUnavailable, NotFound

if TYPE_CHECKING:
    from dirac_prodsys.core.reports.provenance import Provenance

#: the namespace of our names and attributes
_NAMESPACE = "urn:dirac-prodsys:"


def provenance(
    context: typer.Context,
    production: Annotated[str, typer.Argument(metavar="PRODUCTION")],
    run: Annotated[
        str, typer.Option("--run", metavar="RUN", help="Tag or ID of a run; else the newest.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; else standard output.")
    ] = None,
) -> None:
    """Write as PROV-JSON how what a run made came about, from the definition to the dataset."""
    from dirac_prodsys.core.naming import run_tag
    from dirac_prodsys.core.reports.provenance import KINDS
    from dirac_prodsys.core.reports.provenance import provenance as made_from
    from dirac_prodsys.ledger.history import runs
    from dirac_prodsys.ledger.store import Search

    with opened(context.obj) as ledger:
        found = runs(ledger, Search(production=production, run=run_tag(run) if run else ""))
        if not found:
            raise NotFound(
                f"the ledger knows no run of {production}", "`dirac-prodsys history list` lists all"
            )
        own = list(ledger.find(Search(KINDS, production=production, run=found[0].run)))
        own += ledger.find(Search(("definition",), production=production, run=""))
        text = _prov_json(made_from({one.key: one for one in own}.values()))
    if output is None:
        typer.echo(text)
        return
    unfinished = output.with_name(f"{output.name}.unfinished")
    unfinished.write_text(text, "utf-8")
    unfinished.replace(output)


def _prov_json(found: Provenance) -> str:
    """Write the document.

    :raises LedgerUnavailable: the library that writes it is not installed.
    """
    try:
        from prov.model import ProvDocument
    except ImportError:
        raise LedgerUnavailable(
            "prov is not installed here", "pip install 'dirac-prodsys[provenance]'"
        ) from None
    document = ProvDocument()
    document.add_namespace("prodsys", _NAMESPACE)
    for name, thing in found.things.items():
        attributes: dict[str, Any] = {"prov:label": thing.label}
        attributes |= {f"prodsys:{key}": value for key, value in thing.attributes.items()}
        if thing.kind == "activity":
            document.activity(f"prodsys:{name}", thing.begin, thing.end, attributes)
        else:
            getattr(document, thing.kind)(f"prodsys:{name}", attributes)
    for relation, source, target in found.relations:
        getattr(document, relation)(f"prodsys:{source}", f"prodsys:{target}")
    text: str = document.serialize(format="json", indent=1)
    return text
