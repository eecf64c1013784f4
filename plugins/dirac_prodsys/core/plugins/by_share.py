"""ByShare: groups go to sites by their shares of CPU (``/Resources/Shares/CPU``)."""

from __future__ import annotations

from dirac_prodsys.core.plugins import Plugin

PLUGIN = Plugin("ByShare", needs=("/Resources/Shares/CPU",))
