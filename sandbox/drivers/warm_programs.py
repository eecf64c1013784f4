"""Runs DIRAC's commands for jobs from a process that has imported DIRAC once.

A command of DIRAC costs half a second of processor time before it does anything: the import of
DIRAC. A job runs two or three. On a site each job has a machine of its own; here all share two
cores. So the jobs' ``PATH`` begins with a folder of small clients (``sandbox/software/warm``).
A client hands its arguments, directory, environment and open files to this process, which forks;
what runs in the fork is DIRAC's own command, from its first line to its exit code.

Invariant: a command lives no longer than its client: it is killed when the client is.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from sandbox.drivers import runtime

#: name of the command -> module that has its ``main``
COMMANDS = {
    "dirac-dms-add-file": "DIRAC.DataManagementSystem.scripts.dirac_dms_add_file",
    "dirac-jobexec": "DIRAC.WorkloadManagementSystem.scripts.dirac_jobexec",
}
#: what the commands import; not the commands: DIRAC runs the one that was imported last
_IMPORTED = (
    "DIRAC.Core.Base.Script",
    "DIRAC.Core.Utilities.Proxy",
    "DIRAC.AccountingSystem.Client.DataStoreClient",
    "DIRAC.Core.Workflow.Workflow",
    "DIRAC.DataManagementSystem.Client.DataManager",
    "DIRAC.RequestManagementSystem.Client.Request",
    "DIRAC.Resources.Storage.StorageElement",
    "DIRAC.Workflow.Modules.Script",
    "DIRAC.WorkloadManagementSystem.Client.JobReport",
)
#: bytes of a request: the environment of a job is some kilobytes
_MOST = 1 << 20


def listen(path: Path) -> socket.socket:
    """Return a listening socket that only this user can reach."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(str(path))
    path.chmod(0o600)
    server.listen(64)
    return server


def supervise(connection: socket.socket) -> None:
    """Run the command that a client asks for, tell the client its exit code, and end."""
    data, files, _flags, _address = socket.recv_fds(connection, _MOST, 3)
    request = json.loads(data)
    program = os.fork()
    if program == 0:
        connection.close()
        os.setpgid(0, 0)
        _become(request, files)
    for number in files:
        os.close(number)
    # readable: the client is gone
    connection.setblocking(False)
    ended = os.pidfd_open(program)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        ready = [key.fileobj for key, _ in selector.select()]
    if ended not in ready:
        os.killpg(program, signal.SIGKILL)
    _, status = os.waitpid(program, 0)
    code = os.waitstatus_to_exitcode(status)
    if ended in ready:
        connection.sendall(str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def _become(request: dict[str, Any], files: list[int]) -> None:
    """Run the command in this process and end it."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(request["directory"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = request["arguments"]
        main = importlib.import_module(COMMANDS[Path(sys.argv[0]).name]).main
        code = main() or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def main() -> None:
    path = Path(sys.argv[1])
    stop = runtime.until_terminated()
    for module in _IMPORTED:
        importlib.import_module(module)
    # else the first collection in each fork would copy all pages
    gc.collect()
    gc.freeze()
    server = listen(path)
    server.settimeout(0.5)
    runtime.ready()
    while not stop.is_set():
        try:
            connection, _ = server.accept()
        except TimeoutError:
            connection = None
        if connection is not None:
            if os.fork() == 0:
                server.close()
                supervise(connection)
            connection.close()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
    os._exit(0)


if __name__ == "__main__":
    main()
