"""Implements the in-memory ProductionSystem, with the side effects of DIRAC's own.

Invariant: as ``ProductionDB`` of DIRAC 9.1.22: any status is stored, even if the service fails on
it afterwards; adding to a production acts on all its members.
"""

# ruff: noqa: N802  the served methods have DIRAC's names

from __future__ import annotations

from typing import Any

from dirac_prodsys.core.grid.status import ProductionStatus, TransformationStatus
from dirac_prodsys.core.query.meta_query import MetaQuery, dirac_accepts
from dirac_prodsys.gateway.memory.answers import ServiceError
from dirac_prodsys.gateway.memory.tables import ProductionRow
from dirac_prodsys.gateway.memory.transformations import Transformations

_ACTIONS = {
    ProductionStatus.NEW: None,
    ProductionStatus.ACTIVE: TransformationStatus.ACTIVE,
    ProductionStatus.STOPPED: TransformationStatus.STOPPED,
    ProductionStatus.COMPLETED: TransformationStatus.COMPLETED,
    ProductionStatus.CLEANED: TransformationStatus.CLEANED,
}


class MemoryProductions:
    """The service ``Production/ProductionManager`` of a grid."""

    def __init__(self, grid: Transformations) -> None:
        self.grid = grid

    def serve_addProduction(self, name: str, description: str) -> int:
        if any(p.row["ProductionName"] == name for p in self.grid.productions.values()):
            raise ServiceError(f"Production with name {name} already exists")
        number = 1 + max(self.grid.productions, default=0)
        row = {
            "ProductionID": number,
            "ProductionName": name,
            "Description": description,
            "Status": str(ProductionStatus.NEW),
        }
        self.grid.productions[number] = ProductionRow(row)
        return number

    def serve_getProduction(self, name: int | str) -> dict[str, Any]:
        return dict(self._of(name).row)

    def serve_getProductionTransformations(self, name: int | str) -> list[dict[str, Any]]:
        found = self._of(name)
        number = found.row["ProductionID"]
        return [{"TransformationID": one, "ProductionID": number} for one in found.members]

    def serve_setProductionStatus(self, name: int | str, status: str) -> None:
        found = self._of(name)
        found.row["Status"] = status.rstrip(" ")  # as a column of type CHAR
        self._act(found, status)

    def serve_addTransformationsToProduction(
        self, name: int | str, members: list[int], parents: list[int]
    ) -> None:
        found = self._of(name)
        for one in members:
            status = self.grid.serve_getTransformation(one)["Status"]
            if status != TransformationStatus.NEW:
                raise ServiceError(
                    f"checkTransStatus failed : Invalid transformation status: {status}"
                )
            for parent in parents:
                self._check_link(one, parent)
            if any(one in other.members for other in self.grid.productions.values()):
                raise ServiceError("Duplicate entry for key 'TransformationID'", 1131)
        found.members += members
        found.links += [(one, parent) for one in members for parent in parents or [-1]]
        self._act(found, found.row["Status"])

    def _check_link(self, one: int, parent: int) -> None:
        query = self.grid.transformations[one].stored_query("Input")
        output = self.grid.transformations[parent].stored_query("Output")
        if not query or not output:
            raise ServiceError(f"No MetaQuery defined for transformation {one} or {parent}")
        linked, why = dirac_accepts(MetaQuery.from_dirac(query), MetaQuery.from_dirac(output))
        if not linked:
            raise ServiceError(f"checkMatchQuery result is False: {why}")

    def _act(self, production: ProductionRow, status: str) -> None:
        if status not in _ACTIONS:
            raise ServiceError(f"Server error while serving setProductionStatus: '{status}'")
        becomes = _ACTIONS[ProductionStatus(status)]
        for one in production.members if becomes else ():
            self.grid.serve_setTransformationParameter(one, "Status", str(becomes))

    def _of(self, name: int | str) -> ProductionRow:
        for number, production in self.grid.productions.items():
            if str(number) == str(name) or production.row["ProductionName"] == name:
                return production
        raise ServiceError("Production does not exist")
