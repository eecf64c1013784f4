"""Represents datasets as Airflow assets: ``dirac://vo/production/step``, and ``dirac://vo/path``.

Invariant: the first URI names a place in a production, not one run of it, so that another
production can be scheduled on it. The ``extra`` of the event names the dataset that was made.
The second names one dataset of the catalogue, whoever makes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dirac_prodsys.core import naming

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.sdk import Asset, AssetAlias


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Refuse every URI that names no dataset; Airflow's hook for ``dirac``.

    :raises ValueError: a part is missing, or there is a query or a fragment.
    """
    parts = [part for part in uri.path.split("/") if part]
    if not uri.netloc or not parts or uri.query or uri.fragment:
        raise ValueError(
            f"{uri.geturl()!r} is no dataset address; it must be dirac://vo/production/step, or "
            "dirac://vo/path"
        )
    return uri._replace(path="/" + "/".join(parts))


def dataset_asset(vo: str, production: str, step: str) -> Asset:
    """Return the asset for the dataset of a step, the same for every run."""
    from airflow.sdk import Asset

    return Asset(
        name=f"{production}.{step}", uri=naming.asset_uri(vo, production, step), group="dirac"
    )


def dataset_alias(production: str, step: str) -> AssetAlias:
    """Return what stands for the datasets of a step, whose paths only its runs know."""
    from airflow.sdk import AssetAlias

    return AssetAlias(name=f"{production}.{step}.datasets", group="dirac")


def catalogue_asset(vo: str, path: str) -> Asset:
    """Return the asset for a dataset of the catalogue.

    :param path: its full path.
    """
    from airflow.sdk import Asset

    return Asset(name=path, uri=naming.dataset_uri(vo, path), group="dirac")


def watcher_asset(vo: str, production: str) -> Asset:
    """Return the asset for the files in the catalogue that runs of a production begin with."""
    from airflow.sdk import Asset

    return Asset(name=f"{production}.+files", uri=naming.watcher_uri(vo, production), group="dirac")
