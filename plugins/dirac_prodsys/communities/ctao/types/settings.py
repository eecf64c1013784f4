"""Collects the settings of a step's job: the keys of ``Common``, then its ``job_config``.

Invariant: settings that exist are complete and valid for their type, and in the order in which
CTADIRAC would apply them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import JsonValue, ValidationError

from dirac_prodsys.communities.ctao.types import lines
from dirac_prodsys.communities.ctao.types.job_types import CtaoType
from dirac_prodsys.communities.ctao.types.vocabulary import NSB, Unknown, words
from dirac_prodsys.core.models import explain
from dirac_prodsys.core.problems import Path, Problem, Problems

#: keys of the whole production: they are looked for in ``Common``
FOR_ALL = ("MCCampaign", "configuration_id", "base_path")

#: not for the job: the first two define the transformation, the last its input
_OF_THE_STEP = frozenset({"type", "group_size", "input_limit"})

#: keys that do not affect what a step leaves
_SILENT = frozenset(
    """
    base_path catalogs compiler cpu_time data_output_pattern destination group_size input_limit
    input_sandbox instrument_random_seeds layout magic n_shower nb_processors options
    output_data_type output_extension output_log_type package random_mono_probability
    run_number_offset sequential software_category start_run_number tag
    """.split()  # noqa: SIM905  one name a line is no easier to read
)
#: keys with exactly one value in the metadata
_ALWAYS = frozenset({"version", "MCCampaign", "configuration_id"})

#: marks versions of sim_telarray that know Schwarzschild-Couder telescopes
WITH_SCTS = "-sc"


@dataclass(frozen=True)
class Settings:
    """What one job is given.

    :param common: keys of ``Common`` that the type knows; without nulls, in the order of the file.
    :param config: keys of ``job_config``, likewise.
    :param complete: nothing is missing; otherwise the settings only show what the step would leave,
        so that steps that take it can be checked. An unknown value is an :class:`Unknown`.
    """

    kind: CtaoType
    common: Mapping[str, Any]
    config: Mapping[str, Any]
    complete: bool = True

    def __getitem__(self, key: str) -> Any:
        return self.config[key] if key in self.config else self.common[key]

    @property
    def exact(self) -> bool:
        """Check that everything the step leaves is known."""
        return self.complete or not any(isinstance(v, Unknown) for v in self.config.values())

    def get(self, key: str, default: Any = None) -> Any:
        """Return the written value, or the default."""
        return self.config.get(key, self.common.get(key, default))

    @property
    def attributes(self) -> dict[str, Any]:
        """Return attributes of the job, later ones winning, as far as metadata are made of them."""
        made = {**self.common, **self.config}
        if made.get("only_corsika"):
            made |= {"program_category": "airshower_sim", "prog_name": "corsika"}
        if self._with_scts and not isinstance(made["version"], Unknown):
            made["version"] = made["version"].removesuffix(WITH_SCTS) + WITH_SCTS
        return made

    @property
    def files(self) -> dict[str, Any]:
        """Return the metadata of the job's files that the settings define, in their order."""
        made: dict[str, Any] = {}
        for key, value in {**self.common, **self.config}.items():
            field, content = key, value
            if key in _FILE_METADATA:
                field, content = _FILE_METADATA[key](value, self.kind)
            if field in self.kind.file_fields:
                made[field] = content
        return made

    @property
    def _with_scts(self) -> bool:
        return self.kind.simulates_telescopes and bool(self.get("sct"))

    def for_job(self) -> tuple[tuple[str, JsonValue], ...]:
        """Return pairs of key and value, in the order in which the job is given them."""
        given = {k: v for k, v in self.common.items() if k not in self.config}
        given |= self.config
        for key in _OF_THE_STEP & given.keys():
            del given[key]
        version = given.pop("version")
        if self._with_scts:
            # the setter of SCTs marks the version: once, and whichever comes first in the file
            version = version.removesuffix(WITH_SCTS)
        pairs = [("version", version), *given.items()]
        return tuple((key, _FOR_JOB[key](v) if key in _FOR_JOB else v) for key, v in pairs)


def read(
    kind: CtaoType,
    common: Mapping[str, Any],
    config: Mapping[str, Any],
    path: Path,
    problems: Problems,
) -> Settings | None:
    """Return the settings of a step; mistakes are noted, and then it is incomplete.

    None if it is unknown what the step would leave.

    :param path: path of ``config`` in the file.
    """
    common = {k: v for k, v in common.items() if v is not None and k in kind.config.model_fields}
    config = {k: v for k, v in config.items() if v is not None}
    data = {**common, **config}
    try:
        kind.config.model_validate(data)
    except ValidationError as error:
        mistakes = explain(error, kind.config, data)
        for found in mistakes:
            _place(found, common, config, path, problems)
        return _mended(kind, common, config, mistakes)
    lines.check(data, lambda key: (*(path if key in config else ("common",)), key), problems)
    return Settings(kind, common, config)


def _mended(
    kind: CtaoType, common: Mapping[str, Any], config: Mapping[str, Any], mistakes: list[Problem]
) -> Settings | None:
    """Return the settings without the wrong ones, if these do not affect what the step leaves."""
    unknown: dict[str, Any] = {}
    for found in mistakes:
        key = str(found.path[0])
        meant = {key}
        if key not in kind.config.model_fields:
            meant = set(get_close_matches(key, kind.config.model_fields, n=1, cutoff=0.6))
        if key in _ALWAYS:
            unknown[key] = Unknown("")
        elif not meant <= _SILENT:
            return None
    wrong = {str(found.path[0]) for found in mistakes}
    left = [{k: v for k, v in own.items() if k not in wrong} for own in (common, config)]
    return Settings(kind, left[0], {**left[1], **unknown}, complete=False)


def _place(
    found: Problem,
    common: Mapping[str, Any],
    config: Mapping[str, Any],
    path: Path,
    problems: Problems,
) -> None:
    key = found.path[0]
    of_all = key in common or (key in FOR_ALL and key not in config)
    where: Path = ("common",) if of_all and key not in config else path
    hint = found.hint
    if key not in common and key not in config:
        hint = f"add {key}: CTADIRAC fails without it, or takes a value of its own in silence"
    path = (*where, *found.path)
    problems.add(path, found.reason, hint, on_key=found.on_key, code=found.code)


def _moon(value: Any, kind: CtaoType) -> tuple[str, Any]:
    values = [NSB[word] for word in words(value)]
    return "nsb", values if kind.simulation else values[0]


def _div_ang(value: Any, kind: CtaoType) -> tuple[str, Any]:
    return "div_ang", list(words(value)) if kind.simulation else value


def _choice(value: Any) -> JsonValue:
    chosen = list(words(value))
    return chosen if len(chosen) > 1 else chosen[0]


#: keys that describe the job's files in other words
_FILE_METADATA: Mapping[str, Callable[[Any, CtaoType], tuple[str, Any]]] = {
    "moon": _moon,
    "div_ang": _div_ang,
}

#: keys that a job is given in another form than that of the file
_FOR_JOB: Mapping[str, Callable[[Any], JsonValue]] = {
    "catalogs": lambda value: json.dumps(list(words(value))),
    "moon": _choice,
    "simpipe_config": json.dumps,
}
