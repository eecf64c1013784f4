"""BySize: files make a group until it has so many GB, or so many files."""

from __future__ import annotations

from pydantic import Field, StrictInt

from dirac_prodsys.core.plugins import Plugin, PluginParameters


class BySize(PluginParameters):
    """Parameters of BySize.

    :param MaxFilesPerTask: a group is full with so many files, whatever their size; DIRAC: 100.
    """

    MaxFilesPerTask: StrictInt | None = Field(default=None, ge=1)


PLUGIN = Plugin("BySize", BySize, whole_groups=False)
