"""Implements the verbs that make transformations, by ``Transformation/TransformationManager``.

Invariant: every verb reads before it writes and reads back what it wrote, so that it may be
repeated after a crash at any call. The Transformation System itself guards nothing: names are
checked but not enforced, and creation is not atomic (``TransformationDB.py``, 9.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dirac_prodsys.core.grid import run_numbers
from dirac_prodsys.core.grid.specs import TransformationSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import Conflict, GatewayRejected, NotFound
from dirac_prodsys.gateway.records import TransformationRecord
from dirac_prodsys.gateway.verbs import output_directories
from dirac_prodsys.gateway.verbs.catalogue import CatalogueVerbs
from dirac_prodsys.gateway.verbs.parameters import holds
from dirac_prodsys.gateway.verbs.run_numbers import RunVerbs
from dirac_prodsys.gateway.verbs.services import chunks
from dirac_prodsys.gateway.verbs.states import SUMMARY
from dirac_prodsys.gateway.verbs.stored import StoredTransformation, differences, unfinished
from dirac_prodsys.gateway.verbs.tasks import TaskVerbs

#: names in one call
NAME_CHUNK = 1000

#: most characters of a condition that DIRAC can read back
CONDITION_WIDTH = 2048


class TransformationVerbs(TaskVerbs, RunVerbs, CatalogueVerbs):
    """Implements the verbs of :class:`ProductionGateway` that find and make transformations."""

    # -- look up and create ---------------------------------------------------------------------

    def find_transformation(self, name: str) -> TransformationRecord | None:
        """See :meth:`ProductionGateway.find_transformation`.

        :raises Conflict: several transformations have the name.
        """
        return self.find_transformations([name]).get(name)

    def find_transformations(self, names: Sequence[str]) -> dict[str, TransformationRecord]:
        """See :meth:`ProductionGateway.find_transformations`."""
        found: dict[str, TransformationRecord] = {}
        for chunk in chunks(sorted(set(names)), NAME_CHUNK):
            for row in self._rows({"TransformationName": chunk}, SUMMARY):
                name, number = str(row["TransformationName"]), int(row["TransformationID"])
                if name not in chunk:  # the database compares without regard to case
                    continue
                if name in found:
                    raise Conflict(
                        f"several transformations are named {name}: {found[name].id}, {number}",
                        "keep one of them: clean or rename the others in DIRAC",
                    )
                found[name] = TransformationRecord(number, name, str(self._effective_status(row)))
        return found

    def create_transformation(self, spec: TransformationSpec) -> TransformationRecord:
        """See :meth:`ProductionGateway.create_transformation`."""
        _check_name(spec.name)
        spec = self._as_sent(spec)
        for query in (spec.input_query, spec.output_query):
            if query is not None:
                _check_lengths(query)
        body = self._render(spec.body)
        found = self.find_transformation(spec.name)
        if found is not None:
            stored = self._stored(found.id)
            if not unfinished(spec, body, stored):
                return self._adopt(spec, body, stored)
            # its creator died in the middle; the rest cannot be added piece by piece, as the
            # service's own file filter takes the input query from the creating call alone
            self._ts("deleteTransformation", found.id)
        self._refuse_used_runs(spec)
        identifier = self._add(spec, body)
        created = self.find_transformation(spec.name)
        if created is None or created.id != identifier:
            raise GatewayRejected(
                f"{spec.name} was created as {identifier} and is not found by its name",
                "somebody removed it meanwhile; create it again",
            )
        return self._adopt(spec, body, self._stored(identifier), adopted=False)

    def _as_sent(self, spec: TransformationSpec) -> TransformationSpec:
        """Return the spec with the queries that are sent, and read back.

        :raises GatewayRejected: the catalogue cannot answer one of them.
        """
        queries = {"input_query": spec.input_query, "output_query": spec.output_query}
        given = {name: query for name, query in queries.items() if query is not None}
        return spec.model_copy(update={name: self._sent(query) for name, query in given.items()})

    def _add(self, spec: TransformationSpec, body: str) -> int:
        """Make one addTransformation call.

        Files are not added here: a failing catalogue query would leave the row behind and report an
        error. The InputDataAgent attaches them once the transformation is Active.
        """
        identifier = self._ts(
            "addTransformation",
            spec.name,
            spec.description[:255],
            spec.description,
            spec.type,
            spec.plugin,
            spec.agent_type,
            "",  # FileMask: stored, never evaluated
            spec.group,
            spec.group_size,
            0,  # InheritedFrom
            body,
            spec.max_tasks,  # 0: the MCExtensionAgent adds none beside ours
            spec.events_per_task,
            False,
            spec.input_query.to_dirac() if spec.input_query else None,
            spec.output_query.to_dirac() if spec.output_query else None,
        )
        # a failed insert of a meta query is answered with "OK" and no ID
        if isinstance(identifier, bool) or not isinstance(identifier, int):
            raise GatewayRejected(
                f"addTransformation({spec.name}) reported success without an ID ({identifier!r})",
                "the service could not store the meta queries and removed the transformation; "
                "see its log",
            )
        return identifier

    def _adopt(
        self,
        spec: TransformationSpec,
        body: str,
        stored: StoredTransformation,
        *,
        adopted: bool = True,
    ) -> TransformationRecord:
        differing = self._differing(spec, body, stored)
        if differing:
            listed = "".join(f"\n  {line}" for line in differing)
            raise Conflict(
                f"transformation {stored.id} {spec.name} is not what is asked for:{listed}",
                "use another production name or run, or clean the old transformation",
            )
        if run_numbers.RUN_NUMBERS not in stored.parameters:
            self._claim_runs(spec, stored.id)
        kept = stored.parameters
        missing = {k: v for k, v in spec.parameters.items() if k not in kept}
        own = output_directories.value_of(spec, stored.id)
        if not holds(kept.get(output_directories.PARAMETER), own):
            missing[output_directories.PARAMETER] = own
        for name, value in missing.items():
            self._ts("setTransformationParameter", stored.id, name, value)
        if missing:
            kept = self._stored(stored.id).parameters
            lost = [name for name in missing if not holds(kept.get(name), missing[name])]
            if lost:
                raise GatewayRejected(
                    f"transformation {stored.id} did not keep the parameters {', '.join(lost)}",
                    "parameter names are at most 32 letters",
                )
        _refuse_quotes(spec, stored.id, kept)
        return TransformationRecord(stored.id, spec.name, stored.status, adopted)

    def _differing(
        self, spec: TransformationSpec, body: str, stored: StoredTransformation
    ) -> list[str]:
        """Return a line for each difference that prevents adoption; a person's change is none."""
        differing = differences(spec, body, stored)
        if differing and self._resized(stored.id):
            differing = differences(spec, body, stored, resized=True)
        return differing

    def _resized(self, transformation: int) -> bool:
        """Check in DIRAC's own log whether a person has set another group size."""
        rows = self._ts("getTransformationLogging", transformation)
        return any(str(line["Message"]).startswith("GroupSize updated to") for line in rows)

    def _stored(self, transformation: int) -> StoredTransformation:
        row = self._ts("getTransformation", transformation, True)
        return StoredTransformation.from_row(
            row,
            input_query=self._query(transformation, "Input"),
            output_query=self._query(transformation, "Output"),
        )

    def _query(self, transformation: int, kind: str) -> Mapping[str, Any] | None:
        try:
            query = self._ts("getTransformationMetaQuery", transformation, kind)
        except (NotFound, GatewayRejected) as error:
            if "No MetaQuery found" in error.reason:
                return None
            raise
        return dict(query)


def _refuse_quotes(spec: TransformationSpec, identifier: int, kept: Mapping[str, Any]) -> None:
    """Refuse parameters that the plugin would read in quotes: it would take other files, or none.

    Run numbers are for us alone.

    :param kept: as they are stored; each that is asked for is among them, with its value.
    """
    quoted = [
        name
        for name, value in spec.parameters.items()
        if name != run_numbers.RUN_NUMBERS and str(kept[name]) != str(value)
    ]
    if quoted:
        raise GatewayRejected(
            f"this DIRAC keeps the parameters {', '.join(quoted)} of transformation {identifier} "
            f"in quotes: the plugin {spec.plugin} would read the quotes, too",
            "DIRAC 9.0 does so and 9.1 does not: use a grid of 9.1, or a plugin without parameters",
        )


def _check_name(name: str) -> None:
    """Refuse names that the Transformation System would misread."""
    if not name or len(name) > 255:
        raise GatewayRejected(
            f"a transformation name has 1 to 255 characters, {name[:40]!r}… has {len(name)}",
            "shorten the names of production and step",
        )
    if name.strip().isdigit():
        raise GatewayRejected(
            f"the name {name!r} is a number, which DIRAC takes for an ID", "add a letter to it"
        )


def _check_lengths(query: MetaQuery) -> None:
    """Refuse conditions that the service stores but can never read again (``SaferEval.py``).

    The service reads the queries of all transformations when it deletes one and when it starts, so
    one such condition stops the whole Transformation System.
    """
    for name, condition in query.to_dirac().items():
        if len(str(condition)) > CONDITION_WIDTH:
            raise GatewayRejected(
                f"the condition on {name} has {len(str(condition))} characters, DIRAC reads "
                f"{CONDITION_WIDTH}",
                "select by another metadata field instead of by a long list",
            )
