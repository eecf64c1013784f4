"""Standard: files with replicas at the same storage elements make a group."""

from __future__ import annotations

from dirac_prodsys.core.plugins import Plugin

PLUGIN = Plugin("Standard")
