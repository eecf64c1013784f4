"""Changes the configuration of a running grid, as its administrator does with DIRAC's own tools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sandbox import Grid
from tests.integration.conftest import start_client

_PROGRAM = """
import json, sys
import DIRAC
DIRAC.initialize()
from DIRAC.ConfigurationSystem.Client.ConfigurationClient import ConfigurationClient
from DIRAC.ConfigurationSystem.Client.ConfigurationData import gConfigurationData
from DIRAC.ConfigurationSystem.private.Modificator import Modificator

def change(options):
    modificator = Modificator(ConfigurationClient(url=gConfigurationData.getMasterServer()))
    loaded = modificator.loadFromRemote()
    if not loaded["OK"]:
        return str(loaded)
    for path, value in options.items():
        if value is None:
            modificator.removeOption(path)
            continue
        parts = path.strip("/").split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            modificator.createSection("/" + "/".join(parts[:depth]))
        modificator.setOptionValue(path, value)
    done = modificator.commit()
    return "" if done["OK"] else str(done)

for line in sys.stdin:
    print(json.dumps(change(json.loads(line))), flush=True)
"""


class GridAdministrator:
    """Commits changes to the Configuration Server of one grid; a process of its own does it."""

    def __init__(self, grid: Grid) -> None:
        self._process = start_client(grid, _PROGRAM, user="admin", group="dirac_admin", talks=True)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def change(self, options: Mapping[str, str | None]) -> None:
        """Set options by their path, or remove them (None)."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(dict(options))}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, self._process.stderr and self._process.stderr.read()
        assert json.loads(answer) == ""

    @contextmanager
    def changed(
        self, options: Mapping[str, str | None], before: Mapping[str, str]
    ) -> Iterator[None]:
        """Change options, and set them back in the end.

        :param before: all options as they were.
        """
        self.change(options)
        try:
            yield
        finally:
            self.change({path: before.get(path) for path in options})
