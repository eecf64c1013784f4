"""Makes one authenticated RPC to every service: ``python -m sandbox.drivers.probe`` prints JSON.

A plain client: ``DIRAC.initialize()`` finds the services through the Configuration Server. The
call is ``whoami``, which a service answers only after it knows the caller.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def ask(service: str) -> dict[str, Any]:
    """Return whether the service answers, how long that takes in ms, and its error if any."""
    from DIRAC.Core.Base.Client import Client

    start = time.monotonic()
    result = Client(url=service).whoami()
    answer = {"ready": result["OK"], "ms": round((time.monotonic() - start) * 1000, 1)}
    if not result["OK"]:
        answer["error"] = result["Message"]
    return answer


def main() -> None:
    import DIRAC

    DIRAC.initialize()
    from DIRAC import gConfig

    services = ["Configuration/Server"]
    for system in gConfig.getSections("/Systems").get("Value", []):
        urls = gConfig.getOptionsDict(f"/Systems/{system}/URLs").get("Value") or {}
        services += [f"{system}/{name}" for name in urls if f"{system}/{name}" not in services]
    # a call to a service that is away takes DIRAC 4 s: ask all at once
    with ThreadPoolExecutor(max_workers=len(services)) as pool:
        print(json.dumps(dict(zip(services, pool.map(ask, services), strict=True))))


if __name__ == "__main__":
    main()
