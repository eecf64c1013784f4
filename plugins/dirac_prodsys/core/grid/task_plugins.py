"""Lists DIRAC's task-making plugins and checks their parameters.

The parameters of each are a closed model with DIRAC's names
(``TransformationSystem/Agent/TransformationPlugin.py``, 9.1). A site may have plugins of its own: a
plugin with an unknown name accepts any parameter.

Invariant: the results are transformation parameters that DIRAC stores: names of at most 32 letters,
and values that its plugins read back as meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StrictStr, ValidationError

from dirac_prodsys.core import limits
from dirac_prodsys.core.models import Model, explain, invalid, one_or_many, spelled
from dirac_prodsys.core.problems import Path, Problems, nearest

#: maximum characters of ``Transformations.Plugin``
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
#: form of ``AdditionalParameters.ParameterName`` that ``TransformationDB`` accepts
_PARAMETER = re.compile(r"[A-Za-z]{1,32}")
#: parameters that DIRAC's cleaning agent removes, or that we store ourselves: not for plugins
_OURS = frozenset(
    {"OutputDirectories", "RunNumbers", "ProdsysTold", "ProdsysRecovery", "ProdsysStopped"}
)
_SE = re.compile(r"[A-Za-z0-9_.-]{1,127}")


class PluginParameters(Model):
    """Base of the parameters of all plugins; fields have DIRAC's names."""


@dataclass(frozen=True)
class Plugin:
    """A plugin.

    :param counts_files: whether a group is a number of files; otherwise it is a size in GB.
    :param needs: sections of the grid's configuration; if one has no option, the plugin makes no
        task.
    """

    name: str
    parameters: type[PluginParameters] = PluginParameters
    counts_files: bool = True
    needs: tuple[str, ...] = ()


def _se(name: str) -> str:
    if not _SE.fullmatch(name):
        raise invalid(f"{name!r} cannot name a storage element", "use letters, digits and _ . -")
    return name


StorageElement = Annotated[StrictStr, AfterValidator(_se)]
#: one storage element or several
StorageElements = Annotated[tuple[StorageElement, ...], BeforeValidator(one_or_many)]


class Broadcast(PluginParameters):
    """Parameters of Broadcast: files are copied from where they are to other storage elements.

    :param SourceSE: only files that are at one of these; none: wherever they are.
    :param TargetSE: where copies go.
    :param Destinations: to so many of the targets, chosen at random; none: to all.
    """

    SourceSE: StorageElements = ()
    TargetSE: StorageElements = Field(min_length=1)
    Destinations: StrictInt | None = Field(default=None, ge=1)


class BySize(PluginParameters):
    """Parameters of BySize: files make a group until it has so many GB, or so many files.

    :param MaxFilesPerTask: a group is full with so many files, whatever their size; DIRAC: 100.
    """

    MaxFilesPerTask: StrictInt | None = Field(default=None, ge=1)


#: all plugins by name
PLUGINS: Mapping[str, Plugin] = {
    plugin.name: plugin
    for plugin in (
        Plugin("Broadcast", Broadcast),
        # groups go to sites by their shares of CPU
        Plugin("ByShare", needs=("/Resources/Shares/CPU",)),
        Plugin("BySize", BySize, counts_files=False),
        # files with replicas at the same storage elements make a group
        Plugin("Standard"),
    )
}


def read_parameters(
    name: str, written: Mapping[str, Any], path: Path, problems: Problems
) -> dict[str, str | int]:
    """Return the plugin's parameters as DIRAC stores them; mistakes are noted.

    :param path: path of the step.
    """
    plugin = PLUGINS.get(name)
    if not _NAME.fullmatch(name):
        hint = f"use letters, digits and _, at most 32: {', '.join(sorted(PLUGINS))}"
        problems.add((*path, "plugin"), f"{name!r} cannot name a plugin", hint, code="name")
        return {}
    for known in PLUGINS:
        if plugin is None and known.lower() == name.lower():
            hint = nearest(name, PLUGINS)
            problems.add((*path, "plugin"), f"unknown plugin {name!r}", hint, code="unknown-word")
            return {}
    if plugin is None:
        return _free(written, (*path, "plugin_parameters"), problems)
    try:
        parameters = plugin.parameters.model_validate(dict(written))
    except ValidationError as error:
        for found in explain(error, plugin.parameters, written):
            problems.add(
                (*path, "plugin_parameters", *found.path),
                found.reason,
                found.hint,
                on_key=found.on_key,
                code=found.code,
            )
        return {}
    values = parameters.model_dump(exclude_none=True)
    _check_targets(values, (*path, "plugin_parameters", "TargetSE"), problems)
    return {key: stored(value) for key, value in values.items() if value != ()}


def _check_targets(values: Mapping[str, Any], path: Path, problems: Problems) -> None:
    """Check the targets of one task: they are joined into one text, which is silently cut."""
    targets = sorted(values.get("TargetSE", ()), key=len, reverse=True)
    chosen = targets[: values.get("Destinations") or len(targets)]
    joined = len(",".join(chosen))
    if joined > limits.TASK_TARGETS.most:
        problems.add(
            path,
            f"joined by commas they have {limits.TASK_TARGETS.says(joined)}: the last ones would "
            "get no copy",
            "make two steps of it, each with some of the targets",
            code="text",
        )


def check_group(name: str, size: float | None, path: Path, problems: Problems) -> None:
    """Check the group size: only plugins that count bytes take a fraction."""
    plugin = PLUGINS.get(name)
    if size is not None and not limits.keeps_group_size(size):
        kept = float(f"{size:.{limits.GROUP_SIZE.most}g}")
        problems.add(
            (*path, "group_size"),
            f"DIRAC would read {kept:.15g} for {size!r}: of {limits.GROUP_SIZE.source}, it gets "
            f"{limits.GROUP_SIZE.most} digits",
            f"write {kept:.15g}",
            code="wrong-value",
        )
    if plugin is not None and plugin.counts_files and size is not None and size != int(size):
        problems.add(
            (*path, "group_size"),
            f"plugin {name} groups whole files, and {size:g} is no number of files",
            "write a whole number, or use plugin: BySize, which groups by GB",
            code="wrong-value",
        )


def stored(value: Any) -> str | int:
    """Return a value as the plugins read it (``Utilities.seParamtoList``)."""
    if isinstance(value, int | str):
        return value
    words = [str(word) for word in value]
    return words[0] if len(words) == 1 else str(words)


def _free(written: Mapping[str, Any], path: Path, problems: Problems) -> dict[str, str | int]:
    """Return the parameters of a plugin that only the site knows."""
    found: dict[str, str | int] = {}
    for name, value in written.items():
        if not _PARAMETER.fullmatch(name):
            problems.add(
                (*path, name),
                f"{name!r} cannot name a parameter of a transformation",
                "DIRAC takes at most 32 letters",
                on_key=True,
                code="name",
            )
        elif name in _OURS:
            reason = f"{name} is what the plan says of the step itself"
            problems.add((*path, name), reason, "drop it", on_key=True, code="unknown-key")
        elif isinstance(value, bool) or not isinstance(value, str | int | list | tuple):
            reason = f"{spelled(value)} is neither a word, nor a whole number, nor a list of words"
            problems.add((*path, name), reason, "quote it", code="wrong-type")
        else:
            found[name] = stored(value)
    return found
