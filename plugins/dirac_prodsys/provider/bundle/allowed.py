"""Asks for the Dag bundle what the site allows the files of a folder.

Invariant: the site's file is one of the files that decide what is served: when it changes, every
production is checked again.
"""

from __future__ import annotations

import os
from pathlib import Path

from dirac_prodsys.core.dialects import DUMMY_RUN
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.proof import in_words_of_the_file
from dirac_prodsys.core.site.limits import check
from dirac_prodsys.errors import DefinitionErrors, SiteError
from dirac_prodsys.provider.deployment.site import site, site_file

#: name of the site's file among the signatures; no file of a folder has this name
SITE = "/site"


def site_signature() -> dict[str, tuple[int, ...]]:
    """Return the signature of the site's file under the name :data:`SITE`; empty: no such file."""
    try:
        path = site_file()
    except SiteError:
        return {SITE: (-1,)}
    if path is None:
        return {}
    try:
        state = os.stat(path)
    except OSError:
        return {SITE: (0,)}
    return {SITE: (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino)}


def demand_allowed(production: Production, folder: Path, bundle: str) -> None:
    """Check that a production keeps to what the site allows the folder.

    :param bundle: name of the Dag bundle, by which the site's file knows the folder.
    :raises DefinitionErrors: it does not.
    :raises SiteError: the site's file cannot be used.
    """
    allowed = site(folder)
    if allowed is None:
        return
    plan = compile(production, run=DUMMY_RUN)
    found = check(production, plan, allowed.limits(bundle))
    errors = [production.at_place(each) for each in in_words_of_the_file(found, plan)]
    if errors:
        raise DefinitionErrors(errors)
