"""Every string that becomes a key elsewhere: DAG, transformation, dataset, directory, asset.

Invariant: the same production, run and step always give the same transformation name, and others
never do: names and run tags hold no ``__``, which separates them; and as the Transformation System
compares names without regard to case, a run ID with capitals is always marked by its digest.
"""

from __future__ import annotations

import hashlib
import re

from dirac_prodsys.core import limits
from dirac_prodsys.errors import DefinitionError

#: of names of transformations, and of LFNs, characters
MAX_NAME = limits.LFN.most
#: characters
MAX_DATASET_NAME = limits.DATASET_NAME.most
#: characters of a run tag; a longer run ID is cut and marked by its digest
MAX_RUN_TAG = 40

SEPARATOR = "__"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_PLAIN_RUN_ID = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?")
_PATH = re.compile(r"(?:/[A-Za-z0-9_.+=@-]+)+")


def check_name(name: str, what: str) -> str:
    """``name`` if it may name a production, a step or a virtual organisation.

    :param what: what it names, for the message.
    :raises DefinitionError: it may not.
    """
    if not _NAME.fullmatch(name) or SEPARATOR in name:
        raise DefinitionError(
            f"{name!r} cannot name a {what}",
            "use letters, digits and single _ . - between them",
            code="name",
        )
    return name


def dag_id(production: str) -> str:
    """The DAG of a production is named as the production."""
    return check_name(production, "production")


def group_id(step: str) -> str:
    """Airflow allows no dot in the name of a group; names of steps hold no double underscore."""
    return step.replace(".", "__")


def run_tag(run_id: str) -> str:
    """A short form of an Airflow run ID, safe in names, paths and metadata.

    Deterministic; a run ID that is safe and short stands for itself, any other is cut, cleaned and
    marked by eight hex digits of its SHA-256, so that different runs get different tags.
    """
    if len(run_id) <= MAX_RUN_TAG and _PLAIN_RUN_ID.fullmatch(run_id) and SEPARATOR not in run_id:
        return run_id
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:8]
    cleaned = re.sub(r"[^A-Za-z0-9.]+", "-", run_id)[: MAX_RUN_TAG - 9].strip("-.")
    return f"{cleaned}-{digest}" if cleaned else digest


def registered_name(production: str, run: str) -> str:
    """``production__run``: what a run is called in DIRAC's ProductionSystem.

    :param run: a run tag.
    """
    return SEPARATOR.join((production, run))


def transformation_name(production: str, run: str, step: str, generation: int = 1) -> str:
    """``production__run__step``: the idempotency key of the transformation.

    :param run: a run tag.
    :param generation: 2 and more, for a step that is made several times by one run: ``…__2``.
    :raises DefinitionError: it is longer than the Transformation System keeps.
    """
    again = (str(generation),) if generation > 1 else ()
    return _kept(SEPARATOR.join((production, run, step, *again)))


def fresh_name(name: str, start: int) -> str:
    """The name of a transformation that a person has made begin anew: ``…__fresh2``.

    :param name: the first one's name.
    :param start: 1 for the first one itself, 2 for the one after it, and so on.
    :raises DefinitionError: it is longer than the Transformation System keeps.
    """
    return name if start == 1 else _kept(f"{name}{SEPARATOR}fresh{start}")


def _kept(name: str) -> str:
    if len(name) > MAX_NAME:
        raise DefinitionError(
            f"the transformation name {name!r} has {len(name)} characters, more than {MAX_NAME}",
            "shorten the name of the production or of the step",
            code="name",
        )
    return name


def asset_uri(vo: str, production: str, step: str) -> str:
    """The Airflow asset that stands for the dataset of a step."""
    return f"dirac://{vo}/{production}/{step}"


def check_directory(path: str, vo: str) -> str:
    """``path`` if it is an absolute LFN of the virtual organisation.

    :raises DefinitionError: it is not, or is too long for an LFN.
    """
    return _check_path(path, vo, "directory")


def check_lfn(path: str, vo: str) -> str:
    """``path`` if it may name a file of the virtual organisation.

    :raises DefinitionError: it may not, or is too long for an LFN.
    """
    return _check_path(path, vo, "file")


def check_dataset_name(path: str, vo: str) -> str:
    """``path`` if it may name a dataset: a full path whose last part fits the catalogue.

    :raises DefinitionError: it may not.
    """
    _check_path(path, vo, "dataset")
    base = path.rsplit("/", 1)[1]
    if path.count("/") < 2 or len(base) > MAX_DATASET_NAME:
        raise DefinitionError(
            f"the dataset name {base!r} has {len(base)} characters, more than {MAX_DATASET_NAME}",
            f"write /{vo}/folder/name with a shorter name",
            code="name",
        )
    return path


def check_dataset_input(name: str, vo: str) -> str:
    """``name`` if a dataset can be found by it: a full path, or its last part alone.

    :raises DefinitionError: it cannot.
    """
    if "/" in name:
        return check_dataset_name(name, vo)
    check_dataset_name(f"/{vo}/{name}", vo)
    return name


def _check_path(path: str, vo: str, what: str) -> str:
    parts = path.split("/")
    if path[:4].upper() == "LFN:":
        raise DefinitionError(
            f"{path!r} begins with LFN:, which is no part of a logical path",
            f"write {path[4:]}",
            code="name",
        )
    if "@{" in path:
        raise DefinitionError(
            f"{path!r}: nobody fills in @{{…}} in the path of a {what}",
            "DIRAC fills in @{JOB_ID} in executable, arguments and names of output files",
            code="placeholder",
        )
    if "://" in path:
        raise DefinitionError(
            f"{path!r} is an address at one storage element, and no logical path of a {what}",
            f"write the path by which the catalogue knows it, such as /{vo}/folder/name",
            code="name",
        )
    if not _PATH.fullmatch(path) or "." in parts or ".." in parts:
        raise DefinitionError(
            f"{path!r} is no logical path of a {what}",
            f"write an absolute path of plain names, such as /{vo}/folder/name",
            code="name",
        )
    if parts[1] != vo:
        raise DefinitionError(
            f"the {what} {path!r} does not lie below /{vo}, the virtual organisation's own tree",
            f"let it begin with /{vo}/",
            code="name",
        )
    if len(path) > MAX_NAME:
        raise DefinitionError(
            f"the {what} {path!r} has {len(path)} characters, more than the {MAX_NAME} of an LFN",
            "shorten it",
            code="name",
        )
    check_depth(path, what)
    name = path.rpartition("/")[2]
    if what == "file" and len(name) > limits.FILE_NAME.most:
        raise DefinitionError(
            f"the file name {name!r} has {limits.FILE_NAME.says(len(name))}",
            "shorten it",
            code="name",
        )
    return path


def check_depth(path: str, what: str) -> None:
    """Check that the catalogue has room for the directories of ``path``.

    :param what: ``directory``, or what lies in one.
    :raises DefinitionError: there are too many, one below the other.
    """
    levels = path.count("/") - (what != "directory")
    if levels > limits.DIRECTORY_LEVELS.most:
        where = "it" if what == "directory" else "its directory"
        raise DefinitionError(
            f"the {what} {path!r} is too deep: {where} has {limits.DIRECTORY_LEVELS.says(levels)}",
            "join some of its folders into one",
            code="name",
        )
