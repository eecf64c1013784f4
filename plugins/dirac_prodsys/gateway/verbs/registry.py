"""Implements the verbs about DIRAC's ProductionSystem, by ``Production/ProductionManager``.

The service has side effects (``ProductionDB``, 9.1). It passes a status on to all members: Active
would start steps that must wait, and Stopped would stop what is Completed. Adding to an Active
production starts all of it. So members are added while the production is New, which has no such
action, and a status is written with a trailing blank: the column drops the blank, and the service
knows no action for the word and answers so.

Invariant: no call here changes a transformation. What was written is read back; if a service does
not accept it, that is reported, and nothing else is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dirac_prodsys.core.grid.status import ProductionStatus
from dirac_prodsys.core.run.registry import Member, RegisteredProduction, by_parents, may_become
from dirac_prodsys.errors import GatewayRejected, NotFound
from dirac_prodsys.gateway.verbs.services import PRODUCTIONS, ServiceCalls, chunks

#: members in one call
MEMBER_CHUNK = 200


class RegistryVerbs(ServiceCalls):
    """Implements the verbs of :class:`ProductionGateway` about DIRAC's ProductionSystem."""

    def find_production(self, name: str) -> RegisteredProduction | None:
        """See :meth:`ProductionGateway.find_production`."""
        try:
            row = self.services.call(PRODUCTIONS, "getProduction", name)
        except NotFound:
            return None
        number = int(row["ProductionID"])
        rows = self.services.call(PRODUCTIONS, "getProductionTransformations", number)
        members = frozenset(int(member["TransformationID"]) for member in rows)
        return RegisteredProduction(number, str(row["ProductionName"]), row["Status"], members)

    def register_production(
        self, name: str, description: str, members: Sequence[Member]
    ) -> RegisteredProduction:
        """See :meth:`ProductionGateway.register_production`."""
        found = self.find_production(name)
        adopted = found is not None
        if found is None:
            self.services.call(PRODUCTIONS, "addProduction", name, description)
            found = self._registered(name)
        missing = [m for m in members if m.transformation not in found.members]
        if not missing:
            return replace(found, adopted=adopted)
        if found.status in (ProductionStatus.COMPLETED, ProductionStatus.CLEANED):
            note = f"production {name} is {found.status}: nothing was added"
            return replace(found, adopted=adopted, notes=(note,))
        if found.status != ProductionStatus.NEW:
            self._set_quietly(found, ProductionStatus.NEW)
        notes: list[str] = []
        for parents, alike in by_parents(missing).items():
            for chunk in chunks(alike, MEMBER_CHUNK):
                self._enter_members(found.id, chunk, parents, notes)
        return replace(self._registered(name), adopted=adopted, notes=tuple(notes))

    def mark_production(self, name: str, status: str) -> str:
        """See :meth:`ProductionGateway.mark_production`."""
        found = self._registered(name)
        if found.status != status and may_become(found.status, status):
            return self._set_quietly(found, status)
        return found.status

    def _enter_members(
        self, production: int, members: list[int], parents: tuple[int, ...], notes: list[str]
    ) -> None:
        """Try members that are refused together one by one, then without their parents."""
        try:
            self._add_members(production, members, parents)
        except GatewayRejected as error:
            if len(members) > 1:
                for member in members:
                    self._enter_members(production, [member], parents, notes)
            elif parents:
                notes.append(f"{members[0]} without its parents: {error.reason}")
                self._enter_members(production, members, (), notes)
            else:
                notes.append(f"{members[0]} was not entered: {error.reason}")

    def _add_members(self, production: int, members: list[int], parents: tuple[int, ...]) -> None:
        self.services.call(
            PRODUCTIONS, "addTransformationsToProduction", production, members, list(parents)
        )

    def _set_quietly(self, production: RegisteredProduction, status: str) -> str:
        refused = ""
        try:
            self.services.call(PRODUCTIONS, "setProductionStatus", production.id, f"{status} ")
        except GatewayRejected as error:
            refused = error.reason  # it knows no action for this word; the word is written
        found = self._registered(production.name)
        if found.status != status:
            raise GatewayRejected(
                f"production {production.name} did not become {status}, it is {found.status}"
                + (f": {refused}" if refused else ""),
                "this release of the ProductionSystem cannot be written to without side effects",
            )
        return found.status

    def _registered(self, name: str) -> RegisteredProduction:
        found = self.find_production(name)
        if found is None:
            raise NotFound(f"there is no production {name}", "it may have been deleted")
        return found
