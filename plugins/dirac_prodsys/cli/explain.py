"""Shows where each condition of a step's input query comes from: ``dirac-prodsys explain``.

Invariant: the query explained is the query that the plan would send, condition by condition.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dirac_prodsys.cli.exits import readable_errors
from dirac_prodsys.cli.files import read_with_places
from dirac_prodsys.cli.options.completion import steps
from dirac_prodsys.cli.options.files import Datasets, ProductionFile
from dirac_prodsys.cli.options.grid import tag_of
from dirac_prodsys.cli.options.run_values import dataset_queries
from dirac_prodsys.cli.tables import AsJson
from dirac_prodsys.core.text.wording import first_of

if TYPE_CHECKING:
    from dirac_prodsys.core.dialects import Reading
    from dirac_prodsys.core.plan.origins import ExplainedCondition, Origin
    from dirac_prodsys.core.steps.step_plan import StepPlan
    from dirac_prodsys.errors import DefinitionError

_SAYS = {
    "output": "the output of {step}",
    "rule": "the rules for the job of {step}",
    "where": "what {step} asks for",
    "dataset": "the dataset that {step} takes",
    "gather": "added to the outputs that {step} gathers: no other field separates them",
}

#: most names in one line
_SHOWN = 3


def explain(
    file: ProductionFile,
    step: Annotated[str, typer.Argument(autocompletion=steps, help="Name of a step.")],
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Run to fill in, by ID or tag.")
    ] = None,
    as_json: AsJson = False,
    datasets: Datasets = None,
) -> None:
    """Tell where each condition of a step's input query comes from, line by line."""
    from dirac_prodsys.core.dialects import DUMMY_RUN, RUN
    from dirac_prodsys.core.plan.compile import compile as compile_plan
    from dirac_prodsys.core.plan.origins import conditions
    from dirac_prodsys.core.plan.subject import Subject
    from dirac_prodsys.core.problems import Problem, nearest
    from dirac_prodsys.core.proof.gathers import gathered
    from dirac_prodsys.core.steps.gathering import FIELD
    from dirac_prodsys.errors import DefinitionErrors

    with readable_errors():
        production, reading = read_with_places(file)
        known = dataset_queries(datasets)
        plan = compile_plan(production, run=tag_of(run) if run else DUMMY_RUN, datasets=known)
        steps = {each.name: each for each in plan.steps}
        if step not in steps:
            reason = f"there is no step {step!r}"
            wrong = Problem(("steps",), reason, nearest(step, steps), code="unknown-step")
            raise DefinitionErrors([reading.at_place(wrong)])
        found = conditions(production, plan, step, known)
        chosen = gathered(Subject(production, plan), step)
    if as_json:
        form = _form(production.name, steps[step], found, reading)
        if chosen is not None:
            form["gathered"] = {
                "by": list(chosen.fields),
                "left_out": list(chosen.left_out),
                "added": [FIELD] if chosen.numbered else [],
            }
        text = json.dumps(form, indent=2)
    else:
        lines = _lines(steps[step], found, reading)
        text = "\n".join([*lines[:1], *([] if chosen is None else [str(chosen)]), *lines[1:]])
    typer.echo(text.replace(DUMMY_RUN, RUN))


def _placed(origin: Origin, reading: Reading) -> DefinitionError:
    from dirac_prodsys.core.problems import Problem

    return reading.at_place(Problem(origin.path, ""))


def _form(
    production: str, step: StepPlan, found: tuple[ExplainedCondition, ...], reading: Reading
) -> dict[str, Any]:
    rows = []
    for each in found:
        origins = []
        for origin in each.origins:
            place = _placed(origin, reading)
            origins.append(
                {
                    "kind": origin.kind,
                    "step": origin.step,
                    "condition": origin.condition,
                    "file": place.file,
                    "line": place.line,
                    "column": place.column,
                }
            )
        rows.append({"field": each.field, "condition": each.condition, "origins": origins})
    return {
        "production": production,
        "step": step.name,
        "parents": list(step.parents),
        "awaits": list(step.awaits),
        "files": len(step.transformation.files),
        "conditions": rows,
    }


def _lines(step: StepPlan, found: tuple[ExplainedCondition, ...], reading: Reading) -> list[str]:
    from dirac_prodsys.core.query.meta_query import form_text

    whose = f" from {first_of(step.parents, _SHOWN)}" if step.parents else ""
    if step.transformation.files:
        return [f"step {step.name} takes {len(step.transformation.files)} files that are listed"]
    if step.awaits:
        takes = f"step {step.name} takes the files of {', '.join(step.awaits)}"
        lines = [f"{takes}; say with --datasets what its query is"]
    elif not found:
        return [f"step {step.name} takes no files"]
    else:
        lines = [f"step {step.name} takes files{whose} that fulfil {len(found)} conditions"]
    for each in found:
        lines += ["", f"{each.field}: {form_text(each.condition)}"]
        at: dict[tuple[str, str, str], list[str]] = {}
        for origin in each.origins:  # branches of a matrix are written at one place
            place = _placed(origin, reading)
            at.setdefault((origin.kind, place.place, place.excerpt), []).append(origin.step)
        for (kind, where, excerpt), names in at.items():
            lines.append(f"  {where}: {_SAYS[kind].format(step=first_of(names, _SHOWN))}")
            lines += [f"  {line}" for line in excerpt.splitlines()]
    return lines
