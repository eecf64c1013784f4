"""What people's actions ask of a production system, beside :mod:`gateway.protocol`.

Invariant: as for :class:`ProductionGateway`: blocking, repeatable, in our errors only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from dirac_prodsys.core.listed import FileShare, Listed


@runtime_checkable
class ActionGateway(Protocol):
    """Many transformations at once, and what is done to them by people only."""

    def list_transformations(
        self, groups: Sequence[str] = (), ids: Sequence[int] = ()
    ) -> list[Listed]:
        """All transformations, or those of these TransformationGroups or IDs, in pages."""

    def set_group_size(self, transformation: int, size: float) -> None:
        """Let tasks to come have another number of files; GB for plugin BySize. Read back.

        :raises TransformationFailed: the transformation was cleaned or deleted.
        """

    def delete_transformation(self, transformation: int) -> bool:
        """Remove the transformation and all that the Transformation System knows of it.

        Jobs and files are not touched. False: there is none.
        """

    def put_back(self, transformation: int, wrote: str, before: Sequence[str]) -> str:
        """Mend what an attempt that was killed may have left; returns the state that stands.

        An end or a removal that somebody set after ``before``, and that the attempt overwrote
        without having seen it, is set again (:func:`dirac_prodsys.core.precedence.to_mend`).

        :param wrote: the state that the attempt set, or was about to set.
        :param before: :meth:`RecoveryGateway.status_changes` when it began.
        """

    def attached_share(self, transformation: int, states: Sequence[str]) -> FileShare:
        """The attached files that are in these states, and their size in the catalogue."""

    def output_share(self, transformation: int) -> FileShare:
        """The files that cleaning removes: those that carry the transformation's ID.

        ``staying`` are those that its output query finds beside them.
        """
