"""Offers the task-making plugins of the grid to the TransformationAgent (its PluginLocation).

They are DIRAC's own. Where ``scripts/setup-ctadirac`` has installed CTADIRAC, they are CTADIRAC's,
whose class extends DIRAC's. CTADIRAC itself does not fit the Python of DIRAC's services, but its
module of plugins imports DIRAC alone, so that file is loaded by its path.

Invariant: it is looked for each time an agent asks, so CTADIRAC may come while a grid runs.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

from sandbox.configuration.environment import REPOSITORY

_FILE = "lib/python3.*/site-packages/CTADIRAC/TransformationSystem/Agent/TransformationPlugin.py"


def __getattr__(name: str) -> Any:
    if name != "TransformationPlugin":
        raise AttributeError(name)
    for file in REPOSITORY.glob(f".venv-ctadirac/{_FILE}"):
        return _loaded(file).TransformationPlugin
    from DIRAC.TransformationSystem.Agent import TransformationPlugin

    return TransformationPlugin.TransformationPlugin


@functools.cache
def _loaded(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location("ctadirac_plugins", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no module of Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
