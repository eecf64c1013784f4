"""End to end on the whole of DIRAC: every agent, the WMS, requests, two sites with worker nodes."""

from __future__ import annotations
