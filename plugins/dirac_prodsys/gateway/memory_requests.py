"""What requests of data management do on the in-memory grid.

Invariant: operations are carried out in their order, on the catalogue's word alone, as by DIRAC
9.1.22: a copy that is registered already counts as made, and only the last replica is safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dirac_prodsys.gateway.memory_catalogue import MemoryCatalogue


def carry_out(
    operations: Iterable[Mapping[str, Any]],
    lfns: Iterable[str],
    parameters: Mapping[str, Any],
    catalogue: MemoryCatalogue,
) -> None:
    """The operations of one task.

    :param parameters: of the transformation, for what its plugin would choose.
    """
    chosen = str(parameters.get("TargetSE", ""))
    for operation in operations:
        target = str(operation["attributes"].get("TargetSE", "")).replace("TASK:TargetSE", chosen)
        names = [name.strip(" []'\"") for name in target.split(",") if name.strip()]
        for lfn in lfns:
            file = catalogue.files.get(lfn)
            if file is None:
                continue
            if operation["type"] == "ReplicateAndRegister":
                for name in names:
                    file.replicas.setdefault(name, (file.size, file.checksum))
            elif operation["type"] == "RemoveReplica":
                for name in names:
                    if set(file.replicas) != {name}:
                        file.replicas.pop(name, None)
            elif operation["type"] == "RemoveFile":
                catalogue.remove(lfn)
