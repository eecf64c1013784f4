"""Shows what would be sent to DIRAC, without sending it: ``dirac-prodsys plan``.

Invariant: shows the very values that the operators give to the gateway: in words, and verbatim with
``--verbose``. Nothing is left out of ``--json``, and the tree names every transformation, program,
query and dataset. The notes below it are those of the proof, for this run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dirac_prodsys.cli.against_grid import compare, in_words, look_up_datasets
from dirac_prodsys.cli.exits import readable_errors, refuse
from dirac_prodsys.cli.files import read_production
from dirac_prodsys.cli.options.files import Datasets, Parameters, ProductionFile, run_option
from dirac_prodsys.cli.options.grid import Grid, tag_of, tag_on_grid, with_grid
from dirac_prodsys.cli.options.run_values import dataset_queries, parameter_values, short_form
from dirac_prodsys.cli.options.site import Bundle, SiteFile, allowed_by
from dirac_prodsys.cli.tables import print_json, unwrapped_console
from dirac_prodsys.core.reports.plan_words import asked, in_full, step_rows
from dirac_prodsys.core.text.wording import counted

if TYPE_CHECKING:
    from rich.tree import Tree

    from dirac_prodsys.core.plan.against_grid import GridComparison
    from dirac_prodsys.core.plan.values import ProductionPlan
    from dirac_prodsys.core.production.production import Production
    from dirac_prodsys.core.production.schedule import Schedule

#: codes of findings that are shown below the tree
_NOTES = frozenset({"link", "gather", "estimate"})

#: the run if none is given
NO_RUN = "dry-run"


@with_grid
def plan(
    grid: Grid,
    file: ProductionFile,
    run: Annotated[str, run_option("Run to fill in: its ID in Airflow, or its tag.")] = NO_RUN,
    as_json: Annotated[bool, typer.Option("--json", help="The whole plan as JSON.")] = False,
    output: Annotated[
        Literal["text", "json"],
        typer.Option("--format", help="text for people; json: the transformations, in short."),
    ] = "text",
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Show bodies, queries and metadata in full, too."),
    ] = False,
    parameters: Parameters = None,
    datasets: Datasets = None,
    site: SiteFile = None,
    bundle: Bundle = "",
    live: Annotated[
        bool, typer.Option("--live", help="Show what of it the grid has; needs --run.")
    ] = False,
) -> None:
    """Show in words what each step of a run would send to DIRAC; nothing is sent."""
    if live and run == NO_RUN:
        refuse("plan: --live compares one run: say which with --run")
    from rich.text import Text

    from dirac_prodsys.core.plan.compile import compile as compile_plan
    from dirac_prodsys.core.site.limits import demand

    with readable_errors():
        production = read_production(file)
        values = parameter_values(production, parameters) if parameters else None
        known = dataset_queries(datasets)
        gateway = grid.gateway() if live else None
        run = tag_of(run) if gateway is None else tag_on_grid(gateway, production.name, run)
        if gateway is not None:
            known = look_up_datasets(gateway, production, run, values, known)
        compiled = compile_plan(production, run=run, parameters=values, datasets=known)
        chosen = production if values is None else production.bind(values)
        if (allowed := allowed_by(site, bundle)) is not None:
            demand(chosen, compiled, allowed.limits)
        met = None if gateway is None else compare(gateway, compiled)
    if as_json:
        grid_part = {} if met is None else {"grid": met.to_dict()["meetings"]}
        print_json({**compiled.to_dict(), **grid_part})
    elif output == "json":
        with readable_errors():
            print_json(short_form(compiled))
    else:
        console = unwrapped_console()
        tree = plan_tree(
            compiled, production.branches, met, schedule=production.schedule, verbose=verbose
        )
        console.print(tree)
        for note in link_notes(chosen, compiled):
            console.print(Text.assemble(("note: ", "dim"), note))


def plan_tree(
    compiled: ProductionPlan,
    branches: int = 0,
    met: GridComparison | None = None,
    *,
    schedule: Schedule | None = None,
    verbose: bool = False,
) -> Tree:
    """Return the plan as a tree: a branch per step, in the order in which they are created.

    :param branches: number of combinations of the matrix; 0: there is none.
    :param met: the comparison with the grid; None: not compared.
    :param schedule: what begins runs besides people; None: nothing.
    :param verbose: show also all values verbatim.
    """
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(
        Text.assemble(
            (compiled.production, "bold"),
            f"  run {compiled.run}  VO {compiled.vo}  {counted(len(compiled.steps), 'step')}",
            f", {branches} branches" if branches else "",
        )
    )
    words = f"{compiled.connection}, digest of the plan {compiled.digest}"
    tree.add(Text.assemble(("connection: ", "dim"), words))
    if schedule is not None:
        from dirac_prodsys.core.production.schedule_words import schedule_rows  # few have one

        for label, value in schedule_rows(schedule):
            tree.add(Text.assemble((f"{label}: ", "dim"), value))
    if compiled.approval is not None:
        tree.add(Text.assemble(("asks first: ", "dim"), asked(compiled.approval)))
    for loop in compiled.loops:
        bound = f"at most {len(loop.passes)} passes of {', '.join(loop.passes[0])}"
        words = f"{loop.name}: until {loop.gates[0].when}, {bound}, else {loop.otherwise}"
        tree.add(Text.assemble(("loop ", "dim"), words))
    for step in compiled.steps:
        branch = tree.add(Text.assemble((step.name, "bold cyan"), f"  {step.transformation.type}"))
        for label, value in step_rows(step):
            branch.add(Text.assemble((f"{label}: ", "dim"), value))
        for label, value in in_full(step) if verbose else ():
            branch.add(Text.assemble((f"{label} in full: ", "dim"), value))
        for one in () if met is None else met.of(step.name):
            here = branch.add(
                Text.assemble(("on the grid: ", "dim"), f"{one.kind} {in_words(one)}")
            )
            for line in one.differences:
                here.add(Text(line))
    for one in () if met is None else met.of(""):
        tree.add(Text.assemble((one.name, "bold"), f"  {in_words(one)}"))
    return tree


def link_notes(production: Production, compiled: ProductionPlan) -> Iterator[str]:
    """Yield what each step takes from its parents, and its size, where that is known."""
    from dirac_prodsys.core.plan.subject import Subject
    from dirac_prodsys.core.proof import gathers, groups, links

    subject = Subject(production, compiled)
    for check in (links.check, gathers.check, groups.check):
        for problem in check(subject):
            if problem.code in _NOTES:
                yield problem.reason
