"""Copies a dataset's files from storage: ``python -m sandbox.demo.fetch NAME FOLDER``.

A plain DIRAC client, run in the grid's client environment. Prints the local paths, one a line.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(name: str, folder: str) -> None:
    """Fetch every file of dataset ``name`` into ``folder``; exit with a reason if that fails."""
    import DIRAC

    DIRAC.initialize()
    from DIRAC.Core.Utilities.ReturnValues import returnValueOrRaise
    from DIRAC.DataManagementSystem.Client.DataManager import DataManager
    from DIRAC.Resources.Catalog.FileCatalog import FileCatalog

    answer = returnValueOrRaise(FileCatalog().getDatasetFiles(name))
    if name in answer["Failed"]:
        sys.exit(f"{name}: {answer['Failed'][name]}")
    files = sorted(answer["Successful"][name])
    fetched = returnValueOrRaise(DataManager().getFile(files, destinationDir=folder))
    for lfn, reason in fetched["Failed"].items():
        sys.exit(f"{lfn}: {reason}")
    for lfn in files:
        print(Path(folder) / Path(lfn).name)


if __name__ == "__main__":
    main(*sys.argv[1:])
