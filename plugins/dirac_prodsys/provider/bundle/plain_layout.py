"""Builds the productions of an Airflow home for which no Dag bundle of ours is configured.

The home holds ``dags/``, ``plugins/`` and ``include/``, as an Astro project does, and nothing is
set. ``dags/productions.py`` then draws the files of ``include/productions``.

Airflow attributes an import error to a whole Python file, and marks all DAGs of that file stale. So
a file that is wrong raises nothing here: it is a warning of the import, with the file and the line,
and a DAG of its own shows the error to people.

Invariant: a file that is wrong, or that cannot be drawn, hides no other production. In the process
of a task, only the DAG of the task is drawn. A run never goes on with another text than its first
(``bundle/first_text.py``).
"""

from __future__ import annotations

import logging
import re
import warnings
from pathlib import Path

from airflow.configuration import conf
from airflow.sdk import DAG, get_parsing_context

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.naming import BROKEN, SEPARATOR
from dirac_prodsys.core.run.approval import quoted
from dirac_prodsys.errors import DefinitionError
from dirac_prodsys.provider.actions.served_names import bundle_of, productions_bundles
from dirac_prodsys.provider.bundle.first_text import keep_first_text
from dirac_prodsys.provider.bundle.shelf import Shelf, arrange, file_stem
from dirac_prodsys.provider.bundle.sources import SourceFolder
from dirac_prodsys.provider.dag_builder import build_dag

log = logging.getLogger(__name__)

#: where the productions lie, in the folder that holds ``dags/``
FOLDER = Path("include", "productions")

_NO_BUNDLE = (
    "No `ProductionsDagBundle` is configured, so `dags/productions.py` builds this DAG. The bundle "
    "adds: while a file has an error, its production goes on with its last good text; a run keeps "
    "its tasks when steps are added or removed; errors stand among Airflow's import errors; a "
    "change is seen within seconds."
)


class ProductionWarning(UserWarning):
    """A production file gives no DAG."""


def productions_beside(dags_file: str) -> dict[str, DAG]:
    """Return the DAGs that a file in ``dags/`` offers, by DAG ID; none where a bundle does it.

    :param dags_file: path of that file.
    :raises DefinitionError: there is no folder of productions.
    """
    ours = productions_bundles()
    if ours:
        log.info("productions come through the bundle %s, and not from here", ", ".join(ours))
        return {}
    folder = productions_folder(dags_file)
    shelf = _shelf(folder, dags_file)
    asked = _asked()
    if not asked:
        log.info("%s", _NO_BUNDLE)
    dags, errors = _drawn(shelf, asked)
    if not asked:
        for file, error in errors.items():
            _warn(folder / file, error)
            dag = _error_dag(file, error)
            dags[dag.dag_id] = dag
    elif asked not in dags:
        for error in errors.values():
            log.error("%s", error)
    return dags


def production_names(dags_file: str) -> list[str]:
    """Return the names of the productions of this layout, for a form to offer."""
    if _asked():
        return []  # the form is drawn by the DAG processor
    try:
        return sorted(_shelf(productions_folder(dags_file), dags_file).productions)
    except (DefinitionError, OSError):
        return []  # dags/productions.py says what is wrong


def productions_folder(dags_file: str) -> Path:
    """Return the folder of productions that belongs to a file in ``dags/``.

    :raises DefinitionError: there is none.
    """
    home = Path(dags_file).absolute().parent.parent
    folders = [home / FOLDER, Path(conf.get_mandatory_value("core", "dags_folder")).parent / FOLDER]
    for folder in folders:
        if folder.is_dir():
            return folder
    raise DefinitionError(
        f"there is no folder {folders[0]}, from which {Path(dags_file).name} takes productions",
        "make it, or configure ProductionsDagBundle with the folder that you have",
    )


def _asked() -> str:
    """Return the ID of the only DAG that this process needs; empty: it needs all."""
    return get_parsing_context().dag_id or ""


def _shelf(folder: Path, dags_file: str) -> Shelf:
    return arrange(SourceFolder(folder, bundle_of(dags_file)).scan(), {})


def _drawn(shelf: Shelf, asked: str) -> tuple[dict[str, DAG], dict[str, str]]:
    """Return the DAGs by ID, and the errors by file.

    :param asked: as for :func:`_asked`.
    """
    dags: dict[str, DAG] = {}
    errors = dict(shelf.errors)
    for name, served in shelf.productions.items():
        if asked not in ("", name):
            continue
        try:
            dag = build_dag(load_production(served.text, served.file), note=_NO_BUNDLE, mark="")
        except Exception as error:
            # a mistake of ours must cost this file alone, and must show that it is ours
            errors[served.file] = f"{served.file}: internal error: {error!r}"
            log.exception("%s cannot be drawn", served.file)
            continue
        keep_first_text(dag)
        dags[name] = dag
    return dags, errors


def _warn(path: Path, error: str) -> None:
    """Warn at the line that the error names."""
    place = re.match(rf"{re.escape(path.name)}:(\d+):", error)
    line = int(place[1]) if place is not None else 1
    warnings.warn_explicit(error, ProductionWarning, filename=str(path), lineno=line)


def _error_dag(file: str, error: str) -> DAG:
    """Return a DAG without tasks that shows why a file gives no DAG.

    It disappears when the file is mended. No production can have its ID.
    """
    return DAG(
        dag_id=f"file{SEPARATOR}{file_stem(file)}",
        dag_display_name=f"{file} has an error",
        description=error.splitlines()[0][:500],
        doc_md=f"**{file} gives no production.** Mend it, and this DAG disappears.\n\n"
        f"{quoted([error])}",
        tags=["dirac", BROKEN],
        schedule=None,
        catchup=False,
        is_paused_upon_creation=True,
    )
