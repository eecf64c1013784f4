"""Reads the ``dirac:`` hints of CWL, in all versions of their schema that are known.

Which hint stands where decides what a process is: ``dirac:Production`` a graph of transformations,
``dirac:Transformation`` one of them, ``dirac:Job`` what its jobs need. ``dirac:ExecutionHooks`` and
``dirac:Scheduling`` are those of dirac-cwl 1.3; the three others are drafts of DiracX, and may hold
any key of a production or of a step besides.

Invariant: only this file knows the names of the hints and of their fields; an unknown hint is a
warning and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dirac_prodsys.communities.cwl.document.process import hints_of
from dirac_prodsys.core.language.located import Located
from dirac_prodsys.core.language.model import Header, NativeFile, NativeStep

PREFIX = "dirac:"
NAMESPACE = "https://diracgrid.org/cwl#"
PRODUCTION, TRANSFORMATION, JOB = "dirac:Production", "dirac:Transformation", "dirac:Job"
HOOKS, SCHEDULING = "dirac:ExecutionHooks", "dirac:Scheduling"
KNOWN = (PRODUCTION, TRANSFORMATION, JOB, HOOKS, SCHEDULING)
#: other names of keys of a step
_STEP_WORDS = {"groupSize": "group_size", "pluginParameters": "plugin_parameters"}
#: fields of jobs → keys of ours
_JOB_WORDS = {
    "cpu_work": "cpu_time",
    "cpu_time": "cpu_time",
    "priority": "priority",
    "platform": "platform",
    "sites": "sites",
    "tags": "tags",
    "images": "images",
    "runner": "runner",
    "environment": "environment",
    "software": "software",
    "job_type": "job_type",
}
_STEP_KEYS = frozenset(NativeStep.model_fields)
_FILE_KEYS = frozenset(NativeFile.model_fields) - {"steps", "version"}
_HEADER_KEYS = frozenset(Header.model_fields)
#: fields that are read and mean nothing here, as no transformation has them
_WITHOUT_MEANING = frozenset(
    {
        "hook_plugin",
        "configuration",
        "output_sandbox",
        "input_dataset_plugin",
        "input_dataset_config",
        "schema_version",
        "type",
        "group",
        "log_level",
        "input_sandbox",
        "input_data",
        "output_data",
        "banned_sites",
        "input_query",
        "inputQuery",
        "inputs",
        "complete",
    }
)


@dataclass(frozen=True)
class Hints:
    """What the hints of a process or a step say.

    :param step: keys of a step.
    :param job: keys of its job.
    :param paths: output → directory.
    :param se: storage element of outputs.
    :param counts: output → how many files a job makes.
    :param file: keys of the whole production.
    :param common: directory and storage element of all outputs.
    :param header: keys of ``production:``.
    :param levels: the hints that are there, by class.
    :param unknown: hints, and fields of them, that nobody reads: place and name.
    """

    step: Mapping[str, Located] = field(default_factory=dict)
    job: Mapping[str, Located] = field(default_factory=dict)
    paths: Mapping[str, Located] = field(default_factory=dict)
    se: Located | None = None
    counts: Mapping[str, Located] = field(default_factory=dict)
    file: Mapping[str, Located] = field(default_factory=dict)
    common: Mapping[str, Located] = field(default_factory=dict)
    header: Mapping[str, Located] = field(default_factory=dict)
    levels: frozenset[str] = frozenset()
    unknown: tuple[tuple[Located, str], ...] = ()

    def over(self, below: Hints) -> Hints:
        """Lay these hints, of a step, over those of what it runs."""
        return replace(
            self,
            step={**below.step, **self.step},
            job={**below.job, **self.job},
            paths={**below.paths, **self.paths},
            se=self.se or below.se,
            counts={**below.counts, **self.counts},
            levels=self.levels | below.levels,
            unknown=(*below.unknown, *self.unknown),
        )


def read_hints(where: Located) -> Hints:
    """Return what the hints at a process or a step say."""
    found = {**hints_of(where), **_required(where)}
    made = Hints(levels=frozenset(found))
    unknown = [(entry, name) for name, entry in found.items() if _is_strange(name)]
    for name in (HOOKS, SCHEDULING, JOB, TRANSFORMATION, PRODUCTION):
        entry = found.get(name)
        if entry is None:
            continue
        made, strange = _add(made, name, entry)
        unknown += [(place, f"{name}.{key}") for key, place in strange]
    return replace(made, unknown=tuple(unknown))


def _required(where: Located) -> dict[str, Located]:
    required = hints_of(where, "requirements")
    return {name: entry for name, entry in required.items() if name.startswith(PREFIX)}


def _is_strange(name: str) -> bool:
    return ":" in name and name not in KNOWN


def _add(made: Hints, name: str, entry: Located) -> tuple[Hints, list[tuple[str, Located]]]:
    if name == PRODUCTION:
        return _production(made, entry)
    step, job, strange = dict(made.step), dict(made.job), []
    paths, se, counts = dict(made.paths), made.se, dict(made.counts)
    for key, value in _written(entry):
        word = _STEP_WORDS.get(key, key)
        if key == "output_paths":
            paths |= {port: _directory(path) for port, path in value.items()}
        elif key == "output_files" and name == TRANSFORMATION:
            counts |= dict(value.items())
        elif key == "output_se":
            first = value.value[0] if isinstance(value.value, tuple) and value.value else value
            se = first
        elif name in (JOB, SCHEDULING) and key in _JOB_WORDS:
            job[_JOB_WORDS[key]] = value
        elif name == TRANSFORMATION and key == "priority":
            job[key] = value
        elif (name == TRANSFORMATION and word in _STEP_KEYS) or (
            name == HOOKS and word == "group_size"
        ):
            step[word] = value
        elif key not in _WITHOUT_MEANING:
            strange.append((key, value))
    return replace(made, step=step, job=job, paths=paths, se=se, counts=counts), strange


def _production(made: Hints, entry: Located) -> tuple[Hints, list[tuple[str, Located]]]:
    file: dict[str, Located] = {}
    header: dict[str, Located] = {}
    common: dict[str, Located] = {}
    strange = []
    for key, value in _written(entry):
        if key in _HEADER_KEYS:
            header[key] = value
        elif key in _FILE_KEYS:
            file[key] = value
        elif key in ("directory", "se"):
            common[key] = value
        elif key not in _WITHOUT_MEANING:
            strange.append((key, value))
    return replace(made, file=file, header=header, common=common), strange


def _written(entry: Located) -> Iterator[tuple[str, Located]]:
    for key, value in entry.items():
        if value.value is not None:
            yield key, value


def _directory(path: Located) -> Located:
    text = str(path.value)
    for scheme in ("lfn:", "LFN:"):
        text = text.removeprefix(scheme)
    return path.scalar("/" + text.strip("/") if text.strip("/") else text)
