"""Serves the DAG of people's actions with the productions, so that nobody copies its file.

The first of our configured bundles serves it. While another bundle has a DAG of that ID (an older
copy of the file in ``dags/``), that one goes on, and ours waits until it is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.provider.actions.served_names import productions_bundles

#: the name of the served file; no production can have it
FILE = f"{DAG_ID}.py"

#: the digest has Airflow read the file again when a production comes or goes
_STUB = '''"""Airflow DAG of people's actions on productions ({digest}); written by
ProductionsDagBundle, do not edit."""

from dirac_prodsys.provider.actions.dag import actions_dag
from dirac_prodsys.provider.actions.served_names import served_productions

dag = actions_dag(served_productions())
'''


def is_served_by(bundle: str) -> bool:
    """Check whether a bundle is the one that serves the actions; alone, any of ours is."""
    ours = productions_bundles()
    return not ours or ours[0] == bundle


def stub(productions: Iterable[str]) -> bytes:
    """Return the content of the served file.

    :param productions: names of the productions that the bundle serves.
    """
    names = "\n".join(sorted(productions))
    return _STUB.format(digest=hashlib.sha256(names.encode()).hexdigest()[:16]).encode()
