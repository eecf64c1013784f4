"""Writes out what steps may omit because their job type says it.

* Their ``type``, if the job type names one.
* A key of the job may be in a YAML file of the same folder, if its type allows that.
* ``defaults: {job: {type: "FAMILY:*", …}}`` is for all of them: each gets the keys that it knows.

Invariant: what is written out here could have been written in the file.
"""

from __future__ import annotations

from dirac_prodsys.core.job_types import JobType, family_of, find_job_type, job_types
from dirac_prodsys.core.language.located import Located, Mistakes, locate
from dirac_prodsys.core.language.other_files import read_named_yaml
from dirac_prodsys.core.problems import nearest
from dirac_prodsys.core.text.document import Document

#: in ``defaults.job.type``, after the name of a family and its colon
ANY = "*"


def with_types(tree: Located) -> Located:
    """Return the tree with the types of steps written out that follow from their jobs."""
    steps = tree.get("steps")
    if steps is None or not isinstance(steps.value, dict):
        return tree
    made = {}
    for name, step in steps.items():
        kind = find_job_type(step.text("job", "type") or "")
        if kind is not None and kind.transformation and step.get("type") is None:
            step = step.put({"type": step.value["job"].scalar(kind.transformation)})
        made[name] = step
    return tree.put({"steps": steps.put(made)})


def default_job(step: Located, default: Located) -> Located | None:
    """Return the part of a family default for jobs that a step's job accepts; None: nothing."""
    kind = _kind(step)
    if kind is None or kind not in _family(default):
        return None
    known = kind.attributes.model_fields.keys() - {"type"}
    return default.scalar({key: entry for key, entry in default.items() if key in known})


def check_default(tree: Located, mistakes: Mistakes) -> None:
    """Note keys of a default for jobs that no type of its family accepts."""
    default = tree.get("defaults", "job")
    if default is None or not (default.text("type") or "").endswith(ANY):
        return
    family = _family(default)
    if not family:
        named = default.value["type"]
        hint = nearest(str(named.value), {k.name.partition(":")[0] + ":*" for k in _deriving()})
        reason = f"no job type is one of {named.value!r}"
        mistakes.add(named, reason, hint, code="unknown-word")
        return
    known = {key for kind in family for key in kind.attributes.model_fields} - {"group_size"}
    for key, entry in default.items():
        if key not in known:
            reason, hint = f"unknown key {key!r}", nearest(key, known)
            mistakes.add(entry, reason, hint, on_key=True, code="unknown-key")


def with_configurations(
    tree: Located, document: Document, mistakes: Mistakes
) -> tuple[Located, tuple[str, ...]]:
    """Return the tree with every ``key: name.yml`` of a job replaced by the content of that file.

    Job types that name files of other forms write them out themselves.

    :return: the tree, and the names of the files.
    :raises DefinitionErrors: one of them is not YAML.
    """
    steps, made, files = tree.get("steps"), dict[str, Located](), list[str]()
    for name, step in steps.items() if steps is not None else ():
        any_kind = find_job_type(step.text("job", "type") or "")
        if any_kind is not None and any_kind.expand is not None:
            job, named_there = any_kind.expand(step.value["job"], document, mistakes)
            made[name] = step.put({"job": job})
            files.extend(named_there)
        kind = any_kind if any_kind is not None and any_kind.derives else None
        for key in kind.file_keys if kind is not None else ():
            named = step.get("job", key)
            if named is None or not isinstance(named.value, str):
                continue
            found = read_named_yaml(named, document, mistakes)
            if found is None:
                continue
            files.append(named.value)
            job = made.get(name, step).value["job"].put({key: locate(found, foreign=True)})
            made[name] = step.put({"job": job})
    if steps is None or not made:
        return tree, ()
    return tree.put({"steps": steps.put(made)}), tuple(files)


def _family(default: Located) -> list[JobType]:
    name = (default.text("type") or "").removesuffix(ANY)
    family = family_of(name.partition(":")[0]).values() if ":" in name else _deriving()
    return [kind for kind in family if kind.derives and kind.name.startswith(name)]


def _deriving() -> list[JobType]:
    return [kind for kind in job_types().values() if kind.derives]


def _kind(step: Located) -> JobType | None:
    """Return the step's job type, if it makes its output by itself."""
    kind = find_job_type(step.text("job", "type") or "")
    return kind if kind is not None and kind.derives else None
