"""What the job of a step is given: the keys of ``Common``, then those of its ``job_config``.

Invariant: settings that exist are complete and valid for their type, and in the order in which
CTADIRAC would apply them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue, ValidationError

from dirac_prodsys.core.ctao.job_types import CtaoType
from dirac_prodsys.core.ctao.vocabulary import NSB, words
from dirac_prodsys.core.model_errors import explain
from dirac_prodsys.core.problems import Path, Problem, Problems

#: these are the whole production's, so ``Common`` is where they are looked for
FOR_ALL = ("MCCampaign", "configuration_id", "base_path")

#: not the job's: the first two make the transformation, the last its input
_OF_THE_STEP = frozenset({"type", "group_size", "input_limit"})

#: marks versions of sim_telarray that know Schwarzschild-Couder telescopes
WITH_SCTS = "-sc"


@dataclass(frozen=True)
class Settings:
    """What one job is given.

    :param common: keys of ``Common`` that mean something to the type, and
    :param config: of ``job_config``; without nulls, in the order of the file.
    """

    kind: CtaoType
    common: Mapping[str, Any]
    config: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.config[key] if key in self.config else self.common[key]

    def get(self, key: str, default: Any = None) -> Any:
        """What was written, the default if nothing was."""
        return self.config.get(key, self.common.get(key, default))

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the job, later ones winning, as far as metadata are made of them."""
        made = {**self.common, **self.config}
        if made.get("only_corsika"):
            made |= {"program_category": "airshower_sim", "prog_name": "corsika"}
        if self._with_scts:
            made["version"] = made["version"].removesuffix(WITH_SCTS) + WITH_SCTS
        return made

    @property
    def files(self) -> dict[str, Any]:
        """Metadata of the job's files that the settings say, in their order."""
        made: dict[str, Any] = {}
        for key, value in {**self.common, **self.config}.items():
            field, said = key, value
            if key in _FILE_METADATA:
                field, said = _FILE_METADATA[key](value, self.kind)
            if field in self.kind.file_fields:
                made[field] = said
        return made

    @property
    def _with_scts(self) -> bool:
        return self.kind.simulates_telescopes and bool(self.get("sct"))

    def for_job(self) -> tuple[tuple[str, JsonValue], ...]:
        """Pairs of key and value, in the order in which the job is given them."""
        given = {k: v for k, v in self.common.items() if k not in self.config}
        given |= self.config
        for key in _OF_THE_STEP & given.keys():
            del given[key]
        version = given.pop("version")
        if self._with_scts:
            # the setter of SCTs marks the version: once, and whichever stands first in the file
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
    """The settings of a step; None, and the problems noted, if they are wrong.

    :param path: of ``config``.
    """
    common = {k: v for k, v in common.items() if v is not None and k in kind.config.model_fields}
    config = {k: v for k, v in config.items() if v is not None}
    data = {**common, **config}
    try:
        kind.config.model_validate(data)
    except ValidationError as error:
        for found in explain(error, kind.config, data):
            _place(found, common, config, path, problems)
        return None
    return Settings(kind, common, config)


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


#: keys that say something about the job's files in other words
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
