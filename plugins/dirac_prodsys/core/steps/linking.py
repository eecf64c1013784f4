"""Builds each step's input query from its parents' outputs, and checks every link.

The files of a step carry the metadata of its directory and of the directories above it. This alone
determines which files a step takes, and it is checked for every pair of steps: a step takes files
of its parents, of all of them, and of no other step.

Invariant: a query made here selects something, and never a file that the same production makes
elsewhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from dirac_prodsys.core import limits
from dirac_prodsys.core.grid.inventory import check_askable
from dirac_prodsys.core.problems import ENOUGH, Path, Problems
from dirac_prodsys.core.query import meta_query
from dirac_prodsys.core.query.condition import Condition
from dirac_prodsys.core.query.meta_query import EmptyIntersection, MetaQuery
from dirac_prodsys.core.steps.outputs import Output, Outputs, above
from dirac_prodsys.errors import MetaQueryError

if TYPE_CHECKING:
    from dirac_prodsys.core.steps.gathering import Part
    from dirac_prodsys.core.steps.output_masks import Masks

#: a stored condition with more characters cannot be read back (``SaferEval.py``)
MAX_CONDITION = limits.CONDITION.most

#: maximum number of wrongly taken outputs of other steps that are reported
MAX_STRANGERS = 5


@dataclass(frozen=True)
class Relay:
    """The files that a step hands on if it makes none: those that it takes.

    :param origins: the steps that made them.
    """

    query: MetaQuery
    origins: frozenset[str]


@dataclass
class Gathers:
    """The queries of steps that take many outputs, if the exact join is not possible.

    :param outputs: outputs of all steps.
    :param numbered: steps that use the number that the planner gave the outputs.
    :param fixed: steps whose outputs cannot get a number, beside those whose directories forbid it.
    :param lacking: filled with each step that needs numbers, and the steps whose outputs need one;
        the query of such a step is None.
    """

    outputs: Outputs
    numbered: Collection[str] = ()
    fixed: Collection[str] = ()
    lacking: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    @cached_property
    def masks(self) -> Masks:
        """Return the masks of the outputs, by their values."""
        from dirac_prodsys.core.steps.output_masks import Masks  # few need it

        return Masks(self.outputs)

    @cached_property
    def free(self) -> frozenset[str]:
        """Return the steps whose outputs can get a number."""
        from dirac_prodsys.core.steps.gather_numbers import to_be_numbered

        return to_be_numbered(self.outputs.of) - frozenset(self.fixed)


@dataclass(frozen=True)
class Wanted:
    """The input of a step as written, placeholders filled: one of parents, dataset, files, where.

    :param where: narrows the files of parents or of a dataset.
    :param verified_at: storage elements where the copies that a parent made must be good; then
        there is no query.
    """

    step: str
    parents: tuple[str, ...]
    where: MetaQuery
    dataset: str | None = None
    files: tuple[str, ...] = ()
    verified_at: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Return the path where it is written."""
        return ("steps", self.step, "input")


def read_query(
    form: Mapping[str, Any], path: Path, problems: Problems, *, made: bool = False
) -> MetaQuery | None:
    """Return the query written at ``path``; None, with a problem for each wrong condition.

    :param made: whether it describes what a step's own files carry.
    """
    before = len(problems.found)
    conditions: dict[str, Condition] = {}
    for field, condition in form.items():
        try:
            check_askable(field, made=made)
            conditions[field] = meta_query.parse_condition(field, condition)
        except MetaQueryError as error:
            problems.note(path, error)
        if len(problems.found) - before == ENOUGH:
            break
    return None if len(problems.found) > before else MetaQuery(conditions)


def check_directories(outputs: Mapping[str, Output], problems: Problems) -> None:
    """Check that directories within each other, or shared, do not contradict each other.

    The file catalogue refuses a metadata field on a directory if a directory above has it
    (``DirectoryMetadata.setMetadata``), whatever the values.
    """
    at: dict[str, list[Output]] = {}
    for output in sorted(outputs.values(), key=lambda output: output.step):
        at.setdefault(output.directory, []).append(output)
    for output in outputs.values():
        path: Path = ("steps", output.step, "output", "directory")
        holding = (o for directory in above(output.directory) for o in at.get(directory, ()))
        clashing = (o for o in holding if output.metadata.keys() & o.metadata.keys())
        for other in islice(clashing, MAX_STRANGERS):
            twice = sorted(output.metadata.keys() & other.metadata.keys())
            problems.add(
                path,
                f"the directory lies below that of step {other.step}, and both have "
                f"{', '.join(twice)}: the catalogue refuses that",
                "give each step a directory of its own, side by side",
                code="directories",
            )
        first = at[output.directory][0]
        if dict(first.metadata) != dict(output.metadata):
            problems.add(
                path,
                f"step {first.step} has the same directory with other metadata",
                "give each step a directory of its own",
                code="directories",
            )


def input_query(
    wanted: Wanted,
    gathers: Gathers,
    problems: Problems,
    *,
    relays: Mapping[str, Relay] | None = None,
    datasets: Mapping[str, Mapping[str, Any]] | None = None,
) -> MetaQuery | None:
    """Return the input query of a step; None if it has none, or if it is wrong (which is noted).

    A step has none if its files are listed, if its dataset is not in ``datasets``, or if outputs
    need a number first, which is noted in ``gathers``.

    :param relays: step that hands its input on → what can be taken from it.
    :param datasets: dataset name → its meta query.
    """
    relays = relays or {}
    outputs = gathers.outputs
    query: MetaQuery | None = None
    if wanted.parents:
        query = _from_parents(wanted, gathers, relays, problems)
    elif wanted.files:
        _refuse_made_here(wanted, outputs.of, problems)
    elif wanted.dataset is not None:
        query = _from_dataset(wanted, (datasets or {}).get(wanted.dataset), problems)
    elif wanted.where.is_empty:
        problems.add(
            wanted.path,
            "nothing is selected",
            "name a step under 'from', a dataset, LFNs, or metadata in 'where'",
            code="missing-key",
        )
    else:
        query = wanted.where
    if query is not None:
        origins = {o for p in wanted.parents if p in relays for o in relays[p].origins}
        _refuse_strangers(wanted, query, outputs, origins, problems)
    return query


def relay(query: MetaQuery, parents: Iterable[str], relays: Mapping[str, Relay]) -> Relay:
    """Return what a step hands on if it takes this from its parents."""
    origins: set[str] = set()
    for parent in parents:
        origins |= relays[parent].origins if parent in relays else {parent}
    return Relay(query, frozenset(origins))


def _from_dataset(
    wanted: Wanted, form: Mapping[str, Any] | None, problems: Problems
) -> MetaQuery | None:
    """Return the query of the dataset, narrowed; an unknown dataset has no query yet."""
    if form is None:
        return None
    try:
        return MetaQuery.from_dirac(form).refine(wanted.where)
    except EmptyIntersection as error:
        problems.add(
            (*wanted.path, "where", error.field),
            f"step {wanted.step} takes nothing from dataset {wanted.dataset}: {error.field} is "
            f"{error.left_text} in the dataset, and here {error.right_text}",
            "change the condition, or take another dataset",
            code="empty-link",
        )
    except MetaQueryError as error:
        problems.add((*wanted.path, "dataset"), error.reason, error.hint, code=error.code)
    return None


def _refuse_made_here(wanted: Wanted, outputs: Mapping[str, Output], problems: Problems) -> None:
    """Refuse listed files that a step of the production makes: a listed file must exist before."""
    makers: dict[str, str] = {}
    for output in outputs.values():
        makers.setdefault(output.directory, output.step)
    for index, lfn in enumerate(wanted.files):
        maker = next((makers[d] for d in above(lfn) if d in makers), None)
        if maker is not None:
            problems.add(
                (*wanted.path, "lfns", index),
                f"{lfn} lies in the output directory of step {maker}",
                f"take it from the step: from: {maker}",
                code="eats-output",
            )
            return


def _from_parents(
    wanted: Wanted,
    gathers: Gathers,
    relays: Mapping[str, Relay],
    problems: Problems,
) -> MetaQuery | None:
    outputs = gathers.outputs.of
    parts = []
    for index, parent in enumerate(wanted.parents):
        source = outputs.get(parent) or relays.get(parent)
        if source is None:
            problems.add(
                (*wanted.path, "from", index),
                f"step {parent} has no output that could be found by metadata",
                f"give {parent} an output with metadata",
                code="empty-link",
            )
            continue
        try:
            parts.append(source.query.refine(wanted.where))
        except EmptyIntersection as error:
            problems.add(
                (*wanted.path, "where", error.field),
                f"step {wanted.step} takes nothing from {parent}: {error.field} is "
                f"{error.left_text} in the output of {parent}, and here {error.right_text}",
                f"change one of the two, or do not take input from {parent}",
                code="empty-link",
            )
    if len(parts) < len(wanted.parents):
        return None
    try:
        joined = meta_query.join(parts)
    except MetaQueryError as error:
        reason = error.reason
    else:
        long = [f for f, form in joined.to_dirac().items() if not limits.condition_fits(form)]
        if not long or len(parts) == 1:
            return joined  # one that is too long is reported at its place
        reason = (
            f"the condition on {' and on '.join(long)} that selects exactly these "
            f"{len(parts)} inputs is longer than the {MAX_CONDITION} characters that "
            "DIRAC reads back"
        )
    return _gathered(wanted, parts, gathers, relays, reason, problems)


def _gathered(
    wanted: Wanted,
    taken: list[MetaQuery],
    gathers: Gathers,
    relays: Mapping[str, Relay],
    reason: str,
    problems: Problems,
) -> MetaQuery | None:
    """Return a query with fewer conditions that takes the same files; None if there is none (yet).

    :param taken: query of what is taken of each parent.
    :param reason: why there is no query with all conditions.
    """
    from dirac_prodsys.core.steps import gathering  # few need it

    outputs = gathers.outputs.of
    numbered = wanted.step in gathers.numbered
    origins = [relays[p].origins if p in relays else {p} for p in wanted.parents]
    parts: list[Part] = []
    for query, makers in zip(taken, origins, strict=True):
        known = [outputs[maker] for maker in sorted(makers) if maker in outputs]
        found = [part for maker in known if (part := gathering.part(maker, query)) is not None]
        if not found:
            break  # it hands on files that no step of the production makes
        parts += found
    else:
        chosen = gathering.choose(parts, gathers.masks, numbered=numbered)
        if chosen is not None:
            return chosen
        steps = tuple(dict.fromkeys(part.output.step for part in parts))
        anchored = gathering.anchored(parts)
        if anchored and not numbered and gathers.free.issuperset(steps):
            gathers.lacking[wanted.step] = steps
            return None
        if not anchored:
            hint = "put a field that names the run into the metadata of all their outputs: "
            hint += 'run: "${{ run }}" in common.metadata'
            problems.add((*wanted.path, "from"), reason, hint, code="inexact-join")
            return None
    hint = "give the outputs of these parents one more field in their metadata, with one value "
    hint += f"that no other output has, such as for: {wanted.step}"
    problems.add((*wanted.path, "from"), reason, hint, code="inexact-join")
    return None


def _refuse_strangers(
    wanted: Wanted,
    query: MetaQuery,
    outputs: Outputs,
    origins: Collection[str],
    problems: Problems,
) -> None:
    """Refuse files that are not the parents': the step's own, or another step's.

    :param origins: steps whose files the parents hand on.
    """
    expected = {*wanted.parents, *origins}
    strangers = (output for output in outputs.taken_by(query) if output.step not in expected)
    for output in islice(strangers, MAX_STRANGERS):
        itself = output.step == wanted.step
        whose = "its own output" if itself else f"the output of step {output.step} too"
        problems.add(
            ("steps", output.step, "output", "metadata") if itself else wanted.path,
            f"step {wanted.step} would take {whose}: both match {query}",
            "let the metadata of the two outputs differ, such as step: ${{ step }}",
            code="eats-output",
        )
