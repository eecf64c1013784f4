"""Lists names that a production needs and the community of the grid lacks.

Invariant: the names with which a grid was started are kept in its state, where its processes read
them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from sandbox.configuration import community
from sandbox.configuration.community import Group
from sandbox.state import State

_KEPT = "needs"


@dataclass(frozen=True)
class Needs:
    """Names that the community lacks.

    :param vos: virtual organisations; each gets groups as the others have them.
    :param storage_elements: disks at the first site.
    :param types: transformation types whose tasks are jobs.
    :param request_types: transformation types whose tasks are requests.
    """

    vos: tuple[str, ...] = ()
    storage_elements: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    request_types: tuple[str, ...] = ()

    def beyond_community(self) -> Needs:
        """Return those of these names that the community lacks."""
        types = {*community.DATA_PROCESSING, *community.DATA_MANIPULATION}
        known = (set(community.VOS), set(community.STORAGE_ELEMENTS), types, types)
        asked = (self.vos, self.storage_elements, self.types, self.request_types)
        return Needs(*(tuple(sorted(set(a) - k)) for a, k in zip(asked, known, strict=True)))

    @classmethod
    def kept(cls, state: State) -> Needs:
        """Return the names with which the grid of that state was started."""
        facts = state.read(_KEPT)
        return cls(**{field.name: tuple(facts.get(field.name, ())) for field in fields(cls)})

    def keep(self, state: State) -> None:
        """Keep the names for the grid's processes."""
        state.write(_KEPT, {name: list(value) for name, value in asdict(self).items()})

    @property
    def all_vos(self) -> tuple[str, ...]:
        """Return all VOs of the grid."""
        return (*community.VOS, *self.vos)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return all groups of the grid."""
        return (*community.GROUPS, *(g for vo in self.vos for g in community.groups_of(vo)))

    @property
    def proxies(self) -> tuple[tuple[str, str], ...]:
        """Return every pair of user and group that gets a proxy."""
        return tuple((user, group.name) for group in self.groups for user in group.users)
