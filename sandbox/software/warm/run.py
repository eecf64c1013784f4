#!/usr/bin/env -S python3 -I -S
"""Stand for a command of DIRAC in a job; see ``sandbox/drivers/warm_programs.py``.

It starts at each command of each job, so it imports little. Where nobody serves, it becomes the
command itself.
"""

from __future__ import annotations

import json
import os
import socket
import sys


def main() -> int:
    """Let the command run elsewhere with all that is ours; return its exit code."""
    name = os.path.basename(sys.argv[0])
    request = {
        "arguments": [name, *sys.argv[1:]],
        "directory": os.getcwd(),
        "environment": dict(os.environ),
    }
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(os.environ["SANDBOX_WARM_PROGRAMS"])
        socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
    except (KeyError, OSError):
        own = os.path.join(os.path.dirname(sys.executable), name)
        os.execv(own, [own, *sys.argv[1:]])  # noqa: S606  the command itself
    return int(connection.recv(16) or 1)


sys.exit(main())
