"""Includes configurations of the simulation pipeline from other files of the folder.

Invariant: a file is read only once: the text of the production becomes complete, so that a later
reader needs no other file. Only files in the production's own folder, and in its subfolders, are
ever read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.text import reader, writer
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionErrors

KEY = "simpipe_config"

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_FILE = re.compile(rf"{_PART}(?:/{_PART})*")


class Companions:
    """The other files of one production.

    :param problems: receives their mistakes, at the place where the file is named.
    """

    def __init__(self, document: Document, problems: Problems) -> None:
        self.document = document
        self.problems = problems
        self._read: dict[int, tuple[str, Mapping[str, Any]]] = {}

    def complete(self, index: int, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the ``job_config`` of the step at ``index``, with the file that it names."""
        name = config.get(KEY)
        text = None
        read = self.document.read_sibling
        if isinstance(name, str) and _FILE.fullmatch(name) and read is not None:
            text = read(name)
        if not isinstance(name, str) or text is None:
            return config
        try:
            data = reader.parse(text, name).data
        except DefinitionErrors as errors:
            where: Path = ("ProdSteps", index, "job_config", KEY)
            for error in errors.errors:
                self.problems.add(
                    where, f"{error.place}: {error.reason}", error.hint, code=error.code
                )
            return config
        self._read[index] = name, data
        return {**config, KEY: data}

    def complete_text(self) -> str:
        """Return the text of the production with everything in it."""
        if not self._read:
            return self.document.source.text
        steps = list(self.document.data["ProdSteps"])
        for index, (_, found) in self._read.items():
            steps[index] = {
                **steps[index],
                "job_config": {**steps[index]["job_config"], KEY: found},
            }
        data = {**self.document.data, "ProdSteps": steps}
        names = dict.fromkeys(name for name, _ in self._read.values())
        return writer.text_of(data, files=(self.document.file.rpartition("/")[2], *names))
