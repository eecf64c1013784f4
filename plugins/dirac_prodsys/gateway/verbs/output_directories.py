"""Sets ``OutputDirectories``, which the TransformationCleaningAgent needs on every transformation.

By default the agent looks into ``DirectoryLocations = TransformationDB, MetadataCatalog``. There a
transformation without this additional parameter is an error in every cycle: it stays Cleaning
forever (``TransformationCleaningAgent.getTransformationDirectories``, 9.1; the
ValidateOutputDataAgent asks likewise). Both read a list in Python's notation, ``[]`` too.

From this list the agent takes the directories whose path holds the ID in eight digits, and removes
*all* files below them, whoever made them.

Invariant: a listed directory has these digits only because of the ID.
"""

from __future__ import annotations

from dirac_prodsys.core.grid.specs import TRANSFORMATION_ID, TransformationSpec

PARAMETER = "OutputDirectories"

#: nothing is removed by directory; files that carry the transformation's ID are still removed
NONE = "[]"


def value_of(spec: TransformationSpec, transformation: int) -> str:
    """Return the parameter's value for that transformation."""
    digits = f"{transformation:08d}"
    paths = [
        path.replace(TRANSFORMATION_ID, str(transformation))
        for path in spec.output_directories
        # digits by chance, as in a run's number: a later generation of the step would lose its
        # files
        if digits not in path
    ]
    return str(paths)
