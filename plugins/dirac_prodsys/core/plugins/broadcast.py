"""Broadcast: files are copied from where they are to other storage elements."""

from __future__ import annotations

from pydantic import Field, StrictInt

from dirac_prodsys.core.plugins import Plugin, PluginParameters, StorageElements


class Broadcast(PluginParameters):
    """Parameters of Broadcast.

    :param SourceSE: only files that are at one of these; none: wherever they are.
    :param TargetSE: where copies go.
    :param Destinations: to so many of the targets, chosen at random; none: to all.
    """

    SourceSE: StorageElements = ()
    TargetSE: StorageElements = Field(min_length=1)
    Destinations: StrictInt | None = Field(default=None, ge=1)


PLUGIN = Plugin("Broadcast", Broadcast)
