"""``OutputDirectories``: what the TransformationCleaningAgent asks of every transformation.

By default it looks into ``DirectoryLocations = TransformationDB, MetadataCatalog``, and there a
transformation without this additional parameter is an error, cycle after cycle: it stays Cleaning
for ever (``TransformationCleaningAgent.getTransformationDirectories``, 9.1; the
ValidateOutputDataAgent asks likewise). Both read a list in Python's notation, ``[]`` too.

Of the directories in it the agent takes those whose path holds the ID in eight digits, and removes
*all* files below them, whoever made them.

Invariant: it names a directory with these digits only if they are there because of the ID.
"""

from __future__ import annotations

from dirac_prodsys.core.grid.specs import TRANSFORMATION_ID, TransformationSpec

PARAMETER = "OutputDirectories"

#: nothing is removed by directory; files that carry the transformation's ID are, all the same
NONE = "[]"


def said(spec: TransformationSpec, transformation: int) -> str:
    """The parameter's value for that transformation."""
    digits = f"{transformation:08d}"
    paths = [
        path.replace(TRANSFORMATION_ID, str(transformation))
        for path in spec.output_directories
        # by chance, as in a run's number: a later generation of the step would lose its files
        if digits not in path
    ]
    return str(paths)
