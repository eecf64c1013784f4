"""Defines what may be found in a production file: one rule per code, and a finding as a value.

A code never changes: it may be in an editor's setting, in a CI filter, in a bug report. The meaning
and severity of a finding are decided here, or by the community whose rules find it, and nowhere
else; ``docs/reference/findings.md`` shows the same table.

Invariant: every finding has a rule, a place (line and column from 1) and a way out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dirac_prodsys.core import community
from dirac_prodsys.core.community import Community
from dirac_prodsys.errors import DefinitionError

#: ``error``: the production must not run; ``warning``: it runs, but probably not as meant;
#: ``note``: nothing is wrong, shown only on request
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Rule:
    """The meaning of a code, in one sentence."""

    code: str
    severity: Severity
    meaning: str


_READING = (
    ("unreadable", "The file cannot be read."),
    ("yaml", "The text is not YAML, or uses a part of it that is not taken here."),
    ("graphml", "The file is not GraphML, or not such as says what the steps are."),
    ("not-a-production", "The file has none of the keys of a production."),
    ("unknown-key", "A key that is not known at its place; most often misspelt."),
    ("missing-key", "A key that cannot be left out is missing."),
    ("wrong-type", "A value is of another type than its key takes."),
    ("wrong-value", "A value is of the right type and outside of what its key takes."),
    ("unknown-word", "A word that is not among those its key takes: a type, a job type, a choice."),
    ("name", "A name or path that Airflow, the Transformation System or the catalogue refuse."),
    ("placeholder", "A placeholder that is unknown, not closed, or stands where none is filled."),
    ("condition", "A condition on metadata that DIRAC would misread, or that no value fulfils."),
    ("other-file", "A file that is extended or listed cannot be read, or extends this one."),
    ("parameter", "A parameter is declared wrongly, or decides what no run can decide."),
    ("loop", "Passes of a loop that nothing distinguishes."),
    ("matrix", "An axis, a combination or a branch that cannot be."),
    ("step-shape", "Keys of a step do not go together, or not with its type."),
    ("twice", "Something is given twice that can be given once."),
    ("text", "A text that DIRAC's databases cut off, or its tools cannot write as it is."),
    ("request", "A request that DIRAC's RequestValidator refuses, or reads otherwise."),
    ("lost-digits", "A number such as 1.10 stands where a version may be meant."),
    ("definition", "Any other mistake in the definition of a production."),
)
_LINKS = (
    ("unknown-step", "An input names a step that does not exist, itself, or one step twice."),
    ("cycle", "Steps wait for each other, or productions begin each other's runs."),
    ("empty-link", "No file of the parent can match what the child asks for."),
    ("inexact-join", "No single query selects exactly the files of all parents."),
    ("eats-output", "A step would take its own output, or that of a step that is not its parent."),
    (
        "same-value",
        "Two values of one field are one to the catalogue: case, accents, 24 bits.",
    ),
    ("removed-while-read", "A step removes files without waiting for one that reads them."),
    ("removes-dataset", "A step removes files of a dataset that the production makes."),
    ("removes-copies", "Copies go to a place that they come from, or are removed from there."),
    ("removal-unbounded", "Nothing bounds what a step removes, and the file does not confirm it."),
    ("directories", "Directories of two steps contradict each other in the catalogue."),
)
_GROUPS = (
    ("group-never-fills", "There are never enough files for one group, and flushing is off."),
)
_FOLDER = (
    ("duplicate-name", "Two files define productions of the same name."),
    ("case-only-name", "Names of two productions differ in upper and lower case only."),
    ("run-numbers", "Two steps, of one file or of two, use the same run number of a campaign."),
    (
        "gate-without-dataset",
        "A step or a schedule waits for the dataset of a step that makes none.",
    ),
    ("duplicate-dataset", "Two files make datasets of the same name."),
)
_LIVE = (
    ("unknown-field", "The catalogue does not define a metadata field: it would ignore it."),
    ("file-field", "A field that the catalogue has for files only stands on a directory."),
    ("field-type", "A value does not fit the type of its field in the catalogue."),
    ("name-conflict", "A run of this tag would find another transformation of that name."),
    ("dataset-taken", "The dataset exists with another query."),
    ("unknown-dataset", "A dataset that a step takes does not exist."),
    ("unknown-se", "The configuration has no such storage element."),
    ("unknown-site", "The configuration has no such site."),
    ("unset-section", "The configuration lacks what a plugin needs to make any task."),
)
_SITE = (("not-allowed", "The site does not allow its authors to do this."),)
_WARNINGS = (
    ("unconnected", "A step is linked to no other, and the others are linked."),
    ("root-without-tasks", "Nothing says how many tasks a step without input makes."),
    ("inexact-number", "A number that 24 bits do not hold, for a field of which no type is known."),
    ("close-numbers", "Two numbers that 24 bits do not distinguish, for a field of unknown type."),
    ("mixed-types", "One metadata field is text in one place and a number in another."),
    ("undeclared-field", "A child selects by a field that its parent's output does not declare."),
    ("may-eat-output", "A step takes another step's output if that has a field not declared."),
    ("siblings-overlap", "Two children take parts of a parent, and the parts overlap."),
    ("same-work", "Two steps do the same job on the same files."),
    ("files-not-taken", "Children split a parent's files among them, and leave some out."),
    ("model-not-awaited", "A step applies a model and waits for no step that trains one."),
    ("no-shell", "A job's line has signs of a shell, and no shell reads it."),
    ("typographic", "Quotes or dashes of a text processor stand where programs want plain ones."),
    ("placeholder-like", "Something looks like @{JOB_ID}, and nobody fills it in."),
    ("percent-sign", "A condition holds a %, which DIRAC cannot answer on a field of files."),
    ("group-short", "There are fewer files than one group takes: only a flush makes a task."),
    ("files-left-over", "Flushing is off, and the last files do not fill a group."),
    ("expect-files", "The dataset cannot come to hold the number of files it expects."),
    ("output-without-run", "The output's metadata do not distinguish one run from another."),
    ("directory-without-run", "The metadata name the run and the directory does not."),
    ("dataset-without-run", "The query of the dataset names the run and its name does not."),
    ("run-numbers-repeat", "Every run would use the same run numbers; the second is refused."),
    ("run-numbers-used", "A transformation on the grid uses some of these run numbers."),
    ("similar-dataset", "Two files make datasets of the same name in runs of the same ID."),
    (
        "unknown-production",
        "A step or a schedule waits for a production that is in none of the files.",
    ),
    ("shared-directory", "Two files let steps write into the same directory."),
    ("number-as-text", "A field that is text in the catalogue is given a number."),
    ("undeclared-type", "The grid's agents do not work on transformations of this type."),
    ("name-taken", "The transformation exists, is what a run of this tag makes, and is adopted."),
    ("dataset-exists", "The dataset exists with the same query."),
    ("nothing-selected", "The catalogue finds no file for the query now."),
    ("wide-input", "A query takes log files, too, or files that their metadata should keep apart."),
    ("graphml-attribute", "An attribute of a node or graph that is no key, and is not read."),
)
_NOTES = (
    ("link", "Which files of its parent a step takes."),
    ("gather", "By which fields a step takes the outputs of many, and which the planner adds."),
    ("dirac-refuses-link", "DIRAC's own validator would refuse a link that is proved here."),
    ("bag", "The production is a bag of parts that are not linked."),
    ("estimate", "How many files, tasks and jobs a step will have, where counts allow."),
    ("fed-by-others", "A step takes files of steps that it does not name, and waits for them."),
    ("gate", "What a step waits for, and whether it is there now."),
)

#: the most severe first
_GRAVITY: tuple[Severity, ...] = ("error", "warning", "note")


def _rules() -> dict[str, Rule]:
    errors = (*_READING, *_LINKS, *_GROUPS, *_FOLDER, *_LIVE, *_SITE)
    tables: tuple[tuple[Severity, tuple[tuple[str, str], ...]], ...] = (
        ("error", errors),
        ("warning", _WARNINGS),
        ("note", _NOTES),
    )
    own = [Rule(code, severity, meaning) for severity, table in tables for code, meaning in table]
    return _by_gravity([*own, *_of(community.built_in())])


def _of(some: Iterable[Community]) -> list[Rule]:
    return [Rule(*rule) for one in some for rule in one.rules]


def _by_gravity(some: Iterable[Rule]) -> dict[str, Rule]:
    return {
        rule.code: rule for rule in sorted(some, key=lambda rule: _GRAVITY.index(rule.severity))
    }


#: every rule that comes with this package, by its code
RULES = _rules()


def rules() -> dict[str, Rule]:
    """Return every rule by its code, including those of communities of other packages."""
    return _by_gravity([*RULES.values(), *_of(community.installed())])


def rule_of(code: str) -> Rule:
    """Return the rule of a code."""
    return RULES.get(code) or rules()[code]


@dataclass(frozen=True, order=True)
class Finding:
    """A finding at its place, in the form that editors and CI systems take.

    :param line: from 1; ``column`` likewise.
    :param code: a code of :func:`rules`.
    :param excerpt: the source line with a caret below, or empty.
    :param stands_for: number of findings that it reports: it may be the line "and 12 more".
    """

    file: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str
    hint: str
    excerpt: str = ""
    stands_for: int = 1

    @classmethod
    def of(cls, error: DefinitionError) -> Finding:
        """Return the finding for ``error``; without a place it is at the top of its file."""
        return cls(
            file=error.file,
            line=error.line or 1,
            column=error.column or 1,
            severity=rule_of(error.code).severity,
            code=error.code,
            message=error.reason,
            hint=error.hint,
            excerpt=error.excerpt,
            stands_for=error.stands_for,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        form = asdict(self)
        del form["excerpt"], form["stands_for"]
        return form
