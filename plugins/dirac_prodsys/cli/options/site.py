"""Defines the options that name the site's file and a Dag bundle, and reads the limits.

Invariant: a site's file that cannot be used ends the command: nothing passes a check by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dirac_prodsys.errors import SiteError

if TYPE_CHECKING:
    from dirac_prodsys.core.site.file import Allowed, Site

SiteFile = Annotated[
    Path | None,
    typer.Option(
        "--site",
        envvar="AIRFLOW__DIRAC_PRODSYS__SITE",
        metavar="FILE",
        help="The site's file, which limits what authors may do.",
    ),
]
Bundle = Annotated[
    str,
    typer.Option("--bundle", metavar="NAME", help="Bundle of the files, if the site has several."),
]


def allowed_by(file: Path | None, bundle: str) -> Allowed | None:
    """Return what the files of a bundle may do; None: no site is asked.

    :param bundle: name of the bundle; empty: the only one that the file names.
    :raises SiteError: the file cannot be used, or does not name the bundle.
    """
    if file is None:
        return None
    return _chosen(_site(file), bundle)


def _site(file: Path) -> Site:
    from dirac_prodsys.core.site.file import read_site

    try:
        text = file.read_bytes()
    except OSError as error:
        reason = f"the site's file {file} cannot be read: {error.strerror}"
        raise SiteError(reason, "name the file as --site") from None
    return read_site(text, str(file))


def _chosen(site: Site, bundle: str) -> Allowed:
    from dirac_prodsys.core.site.file import Allowed

    named = [name for name in site.bundles if name != "*"]
    if not bundle and len(named) > 1:
        raise SiteError(
            f"the site's file has several bundles: {', '.join(sorted(named))}",
            "say which one the files are for: --bundle NAME",
        )
    return Allowed(site, site.limits(bundle or (named[0] if named else "*")))
