"""A form of its own: ``dice: {name: …, vo: …, throws: …, version: …}``, which is one step."""

from __future__ import annotations

from pydantic import Field, StrictInt, StrictStr, ValidationError

from dirac_prodsys.core.models import Model, explain
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.production.step import Step
from dirac_prodsys.core.text.document import Document
from dirac_prodsys.errors import DefinitionError


class Dice(Model):
    """What a file of this form says."""

    name: StrictStr
    vo: StrictStr
    throws: StrictInt = Field(ge=1)
    version: StrictStr


class File(Model):
    """A file of this form."""

    dice: Dice


def matches(data: dict[str, object]) -> bool:
    """Whether a file with these top-level keys is of this form."""
    return "dice" in data


def prepare(document: Document) -> tuple[Document, list[DefinitionError]]:
    """Nothing of such a file stands elsewhere."""
    return document, []


def read(document: Document, problems: Problems) -> tuple[Production | None, frozenset[str]]:
    """The production that the file describes."""
    try:
        dice = File.model_validate(document.data).dice
    except ValidationError as error:
        problems.found += explain(error, File, document.data)
        return None, frozenset()
    job = {"type": "dice:Throw", "version": dice.version}
    step = Step(name="throw", type="MCSimulation", tasks=dice.throws, job=job)
    production = Production(
        name=dice.name,
        vo=dice.vo,
        steps=(step,),
        dialect="dice",
        source=document.source.text,
        file=document.file,
    )
    return production, frozenset()


def place(path: Path, document: Document) -> Path:
    """Where in the file that is written which stands at ``path`` in the plan."""
    return ("dice", path[-1]) if path else ("dice",)
