"""Transformations whose jobs turn files into files."""

from __future__ import annotations

from dirac_prodsys.core.transformation_types import TransformationType

TYPES = (
    TransformationType("DataProcessing"),
    TransformationType("DataReprocessing"),
    TransformationType("Merging"),
    TransformationType("Training"),
    TransformationType("ApplyModel"),
)
