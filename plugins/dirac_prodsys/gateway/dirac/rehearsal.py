"""Implements the gateway of a rehearsal: DIRAC's own, with stand-in jobs and no expected numbers.

Invariant: only the bodies of jobs and the expected numbers of datasets differ; all verbs are those
of :class:`DiracGateway`. Nothing is created on a grid whose configuration is not named a sandbox:
there, stand-in files under the names of real data would be the worst of mistakes.
"""

from __future__ import annotations

from dirac_prodsys.core.grid.specs import DatasetSpec, TransformationSpec
from dirac_prodsys.core.rehearsal.stand_in import stand_in
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.dirac.gateway import DiracGateway
from dirac_prodsys.gateway.dirac.rpc import DisetServices
from dirac_prodsys.gateway.records import DatasetRecord, GatewaySettings, TransformationRecord

#: of the sandbox: for files whose storage element the production does not name
SE = "DISK-A-SE"

#: name of the sandbox's configuration, and the option that holds it
SANDBOX, _NAME_OPTION = "Sandbox", "/DIRAC/Configuration/Name"

#: numbers that a dataset of fewer tasks cannot reach; the report compares them
_EXPECTED = {"expect_files": None, "min_files": None, "max_files": None}


def open(settings: GatewaySettings) -> RehearsalGateway:
    """Return a gateway to a grid that stands in for another; makes no call."""
    return RehearsalGateway(settings)


class RehearsalGateway(DiracGateway):
    """A :class:`ProductionGateway` whose jobs write small files instead of running programs."""

    def create_transformation(self, spec: TransformationSpec) -> TransformationRecord:
        """See :meth:`ProductionGateway.create_transformation`."""
        self._demand_sandbox()
        return super().create_transformation(stand_in(spec, SE))

    def create_dataset(self, spec: DatasetSpec) -> DatasetRecord:
        """See :meth:`ProductionGateway.create_dataset`."""
        self._demand_sandbox()
        return super().create_dataset(spec.model_copy(update=_EXPECTED))

    def _demand_sandbox(self) -> None:
        """Refuse a grid that is no sandbox."""
        if not isinstance(self.services, DisetServices):
            return
        name = self.services.configuration.option(_NAME_OPTION)
        if name != SANDBOX:
            raise GatewayRejected(
                f"the grid {name or 'without a name'} is no sandbox, and this connection rehearses",
                "let the connection's backend be dirac; `dirac-prodsys rehearse` has a grid of its "
                "own",
            )
