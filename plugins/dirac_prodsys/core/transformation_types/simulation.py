"""Transformations that make files out of nothing: they have tasks, and no input."""

from __future__ import annotations

from dirac_prodsys.core.transformation_types import TransformationType

#: in DIRAC's ``ExtendableTransfTypes`` by default, so that tasks can be added
TYPES = (TransformationType("MCSimulation", needs_input=False),)
