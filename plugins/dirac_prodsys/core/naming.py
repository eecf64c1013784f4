"""Makes every string that becomes a key elsewhere: DAG, transformation, dataset, directory, asset.

Invariant: the same production, run and step always give the same transformation name, and others
never do: names and run tags contain no ``__``, which separates them; and because the Transformation
System compares names without regard to case, a run ID with capitals is always marked by its digest.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from dirac_prodsys.core import limits
from dirac_prodsys.core.problems import short
from dirac_prodsys.errors import DefinitionError

#: maximum characters of names of transformations, and of LFNs
MAX_NAME = limits.LFN.most
#: maximum characters
MAX_DATASET_NAME = limits.DATASET_NAME.most
#: maximum characters of a run tag; a longer run ID is cut and marked by its digest
MAX_RUN_TAG = 40

SEPARATOR = "__"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_PLAIN_RUN_ID = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?")
_PATH = re.compile(r"(?:/[A-Za-z0-9_.+=@-]+)+")


#: suffix of a name that was cut or cleaned: eight digits of a SHA-256, never those of a day
_MARKED = re.compile(r"(?:.*-)?([0-9a-f]{8})", re.DOTALL)
_DAY = re.compile(r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
#: DAGs of this product that are not productions
RESERVED = frozenset({"production_operations"})
#: maximum characters of ``dag.dag_id``, and ``dag_tag.name``, of Airflow's database
MAX_DAG_ID, MAX_TAG = 250, 100
#: maximum characters of the address of a link
MAX_ADDRESS = 500
#: characters without a special meaning in a Markdown link
_LINK_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,58}[A-Za-z0-9])?")
_ADDRESS = re.compile(
    rf"(?=.{{1,{MAX_ADDRESS}}}\Z)https?://[A-Za-z0-9][A-Za-z0-9%/?#&=+:;,.~_@!$*-]*"
)
#: maximum characters of the IDs of a task group and of a task (``validate_group_key``,
#: ``validate_key``)
MAX_GROUP, MAX_TASK = 200, 250
#: tag of a DAG that uses the last good text of a file that is broken now
BROKEN = "file has an error"
#: tag of a DAG whose production file was removed; no production can set it itself
RETIRED = "retired"
#: last part of the address of what watches for a production's files
WATCHED = "+files"
#: what may follow the step: a generation, and a fresh start (``naming``)
_AFTER_STEP = re.compile(r"\d+|fresh\d+")
#: a later generation of a run: the tag of the first, and its number, 2 and more
_GENERATION = re.compile(r"(.+)\.g([2-9]|[1-9][0-9]{1,2})")
#: a run ID that was cleaned and cut, and the digits that mark it
_MARKED_TAG = re.compile(r"(?:([A-Za-z0-9.]+(?:-[A-Za-z0-9.]+)*)-)?[0-9a-f]{8}")
#: characters that make a text a shell pattern of names
WILD = frozenset("*?[")

HINT = (
    "give the run ID as Airflow's page shows it, or the tag that `dirac-prodsys runs PRODUCTION` "
    "lists"
)


def looks_marked(name: str) -> bool:
    """Whether a name looks like one that was cut or cleaned and marked by its digest.

    Such a name is never used unchanged where names are marked: it could be taken for another's.
    ``nightly-20261128`` is plain: no mark is a day.
    """
    marked = _MARKED.fullmatch(name)
    return marked is not None and not _DAY.fullmatch(marked[1])


def mark(name: str) -> str:
    """Return eight hex digits of the name's SHA-256 that :func:`looks_marked` recognises."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    marks = (digest[start : start + 8] for start in range(0, 64, 8))
    return next(found for found in marks if not _DAY.fullmatch(found))


def check_name(name: str, what: str) -> str:
    """Return ``name`` if it may name a production, a step or a virtual organisation.

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
    """Return the ID of a production's DAG: the name of the production.

    :raises DefinitionError: there can be no such DAG, or it is another one.
    """
    check_name(production, "production")
    if production.lower() in RESERVED:
        raise DefinitionError(
            f"{production!r} is the name of a DAG of dirac_prodsys itself",
            "give the production another name",
            code="name",
        )
    if len(production) > MAX_DAG_ID:
        raise DefinitionError(
            f"{short(production)!r} has {len(production)} characters, more than the {MAX_DAG_ID} "
            "of a DAG ID",
            "give the production a shorter name",
            code="name",
        )
    return production


def check_tag(tag: str) -> None:
    """Check a tag.

    :raises DefinitionError: Airflow cannot store the tag.
    """
    if not tag or len(tag) > MAX_TAG or not tag.isprintable():
        raise DefinitionError(
            f"{short(tag)!r} is no tag of 1 to {MAX_TAG} characters in one line",
            "shorten it, or drop it",
            code="name",
        )


def check_link(name: str, address: str) -> None:
    """Check a link that people see on the page of the DAG.

    :raises DefinitionError: its name or its address would be shown as something else.
    """
    if not _LINK_NAME.fullmatch(name):
        raise DefinitionError(
            f"{short(name)!r} is no name of a link: 1 to 60 letters, digits, blanks and _ . -",
            "give it a plain name, such as runbook",
            code="name",
        )
    if not _ADDRESS.fullmatch(address):
        raise DefinitionError(
            f"{short(address)!r} is no address of at most {MAX_ADDRESS} characters that begins "
            "with https:// or http://",
            "write the whole address; blanks, quotes and brackets in it as %20 and the like",
            code="name",
        )


def group_id(step: str) -> str:
    """Return the ID of a step's group, without dots, which Airflow does not allow there.

    Names of steps contain no double underscore.
    """
    return step.replace(".", "__")


def run_tag(run_id: str) -> str:
    """Return a short form of an Airflow run ID, safe in names, paths and metadata.

    Deterministic; a safe and short run ID is used unchanged, any other is cut, cleaned and marked
    by eight hex digits of its SHA-256, so that different runs get different tags; a plain run ID
    that looks marked is marked, too. The ID of a later generation (:func:`generation_id`) is its
    tag.
    """
    if generation_of(run_id) is not None:
        return run_id
    plain = len(run_id) <= MAX_RUN_TAG and _PLAIN_RUN_ID.fullmatch(run_id)
    if plain and SEPARATOR not in run_id and not looks_marked(run_id):
        return run_id
    digest = mark(run_id)
    cleaned = re.sub(r"[^A-Za-z0-9.]+", "-", run_id)[: MAX_RUN_TAG - 9].strip("-.")
    return f"{cleaned}-{digest}" if cleaned else digest


def generation_id(run: str, number: int) -> str:
    """Return the ID, and the tag, of a later generation of a run: ``night-7.g2``.

    :param run: the tag of the first.
    :param number: 2 and more.
    """
    return f"{run}.g{number}"


def generation_of(run: str) -> tuple[str, int] | None:
    """Return the tag of the first run, and the number of the generation; None: it is no later one.

    :param run: a run ID or tag. That of a first run that is no tag, but must be cut or cleaned, is
        no ID of a later one.
    """
    found = _GENERATION.fullmatch(run)
    if found is None or _GENERATION.fullmatch(found[1]) or not _is_tag(found[1]):
        return None
    return found[1], int(found[2])


def _is_tag(text: str) -> bool:
    """Whether :func:`run_tag` may have returned a text, for a first run."""
    if len(text) > MAX_RUN_TAG or SEPARATOR in text:
        return False
    if _MARKED_TAG.fullmatch(text) and looks_marked(text):
        return True
    return bool(_PLAIN_RUN_ID.fullmatch(text)) and not looks_marked(text)


def registered_name(production: str, run: str) -> str:
    """Return ``production__run``: the name of a run in DIRAC's ProductionSystem.

    :param run: a run tag.
    """
    return SEPARATOR.join((production, run))


def transformation_name(production: str, run: str, step: str, generation: int = 1) -> str:
    """Return ``production__run__step``: the idempotency key of the transformation.

    :param run: a run tag.
    :param generation: 2 and more, for a step that is made several times by one run: ``…__2``.
    :raises DefinitionError: it is longer than the Transformation System stores.
    """
    again = (str(generation),) if generation > 1 else ()
    return _kept(SEPARATOR.join((production, run, step, *again)))


def fresh_name(name: str, start: int) -> str:
    """Return the name of a transformation that a person had begun anew: ``…__fresh2``.

    :param name: the first one's name.
    :param start: 1 for the first one itself, 2 for the one after it, and so on.
    :raises DefinitionError: it is longer than the Transformation System stores.
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
    """Return the URI of the Airflow asset for the dataset of a step."""
    return f"dirac://{vo}/{production}/{step}"


def dataset_uri(vo: str, path: str) -> str:
    """Return the URI of the Airflow asset for a dataset of this full path, whoever makes it."""
    return f"dirac://{vo}/{path.strip('/').removeprefix(f'{vo}/')}"


def watcher_uri(vo: str, production: str) -> str:
    """Return the URI of the Airflow asset for the files that a production waits for.

    No step has a name that begins with ``+``.
    """
    return f"dirac://{vo}/{production}/{WATCHED}"


def check_directory(path: str, vo: str) -> str:
    """Return ``path`` if it is an absolute LFN of the virtual organisation.

    :raises DefinitionError: it is not, or is too long for an LFN.
    """
    return _check_path(path, vo, "directory")


def check_lfn(path: str, vo: str) -> str:
    """Return ``path`` if it may name a file of the virtual organisation.

    :raises DefinitionError: it may not, or is too long for an LFN.
    """
    return _check_path(path, vo, "file")


def check_dataset_name(path: str, vo: str) -> str:
    """Return ``path`` if it may name a dataset: a full path; its last part fits the catalogue.

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
    """Return ``name`` if it can find a dataset: a full path, or its last part alone.

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
    """Check that the directories of ``path`` are not nested too deeply for the catalogue.

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


@dataclass(frozen=True)
class NameParts:
    """The parts of a name that a plan may have given.

    :param run: a run tag.
    :param first: the name of the step's first transformation, before any fresh start.
    :param start: 1 for that one, 2 for the one after it, and so on.
    """

    production: str
    run: str
    step: str
    first: str
    start: int = 1


def name_parts(name: str) -> NameParts | None:
    """Return production, run and step of a transformation; None: no plan gives such a name."""
    parts = name.split(SEPARATOR)
    if len(parts) < 3 or not all(_AFTER_STEP.fullmatch(part) for part in parts[3:]):
        return None
    production, run, step = parts[:3]
    begin, fresh, number = name.rpartition(f"{SEPARATOR}fresh")
    if fresh and number.isdigit():
        return NameParts(production, run, step, begin, int(number))
    return NameParts(production, run, step, name)


def tags_meant(text: str) -> tuple[str, ...]:
    """Return the tags of the run that a person names by ID or tag, the likeliest first.

    Usually there is one. A text such as ``build-1a2b3c4d`` may be the tag of a run with a cleaned
    ID, and the ID of another run: only the grid shows which exists.

    :raises DefinitionError: it names no single run.
    """
    word = text.strip()
    if generation_of(word) is not None:
        return (word,)
    if not word or WILD & set(word):
        what = "is a pattern, and one run is meant" if word else "is the name of no run"
        raise DefinitionError(f"{word!r} {what}", HINT, code="name")
    made = run_tag(word)
    marked = _MARKED_TAG.fullmatch(word)
    if made == word or not marked or len(word) > MAX_RUN_TAG:
        return (made,)
    if marked[1] and run_tag(marked[1]) == word:
        return (word,)  # its ID was not changed: the digits prove it
    return (word, made)


def means_run(text: str, tag: str) -> bool:
    """Whether an ID, a tag or a pattern of tags that a person gives means the run of this tag."""
    return fnmatchcase(tag, text) if WILD & set(text) else tag in tags_meant(text)
