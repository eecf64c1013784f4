"""Represents datasets as Airflow assets: ``dirac://vo/production/step``.

Invariant: the URI names a place in a production, not one run of it, so that another production
can be scheduled on it. The ``extra`` of the event names the dataset that was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dirac_prodsys.core import naming

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.sdk import Asset


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Refuse every URI that is not ``dirac://vo/production/step``; Airflow's hook for ``dirac``.

    :raises ValueError: a part is missing or too much, or there is a query or a fragment.
    """
    parts = [part for part in uri.path.split("/") if part]
    if not uri.netloc or len(parts) != 2 or uri.query or uri.fragment:
        raise ValueError(
            f"{uri.geturl()!r} is no dataset address; it must be dirac://vo/production/step"
        )
    return uri._replace(path="/" + "/".join(parts))


def dataset_asset(vo: str, production: str, step: str) -> Asset:
    """Return the asset for the dataset of a step, the same for every run."""
    from airflow.sdk import Asset

    return Asset(
        name=f"{production}.{step}", uri=naming.asset_uri(vo, production, step), group="dirac"
    )
