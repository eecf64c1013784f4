"""Implements the backend of a DIRAC grid out of process: an agent runs DIRAC, we send it verbs.

::

    client                the gateway: sends verbs, returns what the agent answers
    starting              finds the agent of this machine and user, or starts it
    __main__  server      the agent: imports DIRAC once, forks a worker for each identity
    worker                runs the verbs of one identity by the gateway of ``dirac/``
    codec  wire           verbs, values and errors as JSON; lines on a socket
    place                 where the socket of which agent is

Invariant: the process that opens this gateway imports nothing of DIRAC.
"""

from __future__ import annotations

from dirac_prodsys.gateway.agent.client import AgentGateway, open

__all__ = ["AgentGateway", "open"]
