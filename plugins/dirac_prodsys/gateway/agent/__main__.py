"""Runs the agent: ``python -m dirac_prodsys.gateway.agent --folder F --name N --version V``.

It returns, with exit code 0, when an agent listens and has imported DIRAC: a child of it goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.agent.place import OTHER_CODE, Place, version
from dirac_prodsys.gateway.agent.server import Server, started


def main() -> int:
    """Start the agent; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--idle", type=float, default=300.0, help="seconds without a connection")
    options = parser.parse_args()
    if options.version != version():
        print(f"this code is {version()}, and {options.version} is asked for", file=sys.stderr)
        return OTHER_CODE
    try:
        server = started(Place(options.folder, options.name), options.idle)
    except ProdsysError as error:
        print(error.reason, file=sys.stderr)
        return 1
    if server is not None:
        _go_on(server)
    return 0


def _go_on(server: Server) -> None:
    """Run the agent in a child, which nobody waits for; end this process."""
    if os.fork():
        os._exit(0)  # at once: taking DIRAC down would take a while, and there would seem to be two
    code = 1
    try:
        server.run()
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
