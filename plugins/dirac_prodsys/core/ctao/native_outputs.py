"""What a step with a job of CTAO leaves, as steps of any other type see it.

Invariant: a directory of another step never lies where the catalogue would refuse its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping

from dirac_prodsys.core.ctao import directories
from dirac_prodsys.core.ctao.draft import Draft
from dirac_prodsys.core.ctao.outputs import Output
from dirac_prodsys.core.ctao.vocabulary import bare, known_query, single
from dirac_prodsys.core.grid.specs import MetaValue
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.steps import outputs
from dirac_prodsys.core.steps.draft import StepDraft


def findable(output: Output, directory: str) -> outputs.Output:
    """The output as links of any type of step see it."""
    of_files = known_query({n: said for n, said in output.query.items() if n in output.files})
    said = known_query(output.carried).to_dirac()
    metadata: dict[str, MetaValue] = {}
    for name, condition in said.items():
        if name not in output.files and single(bare(condition)):
            metadata[name] = bare(condition)
    query = output.known
    return outputs.Output(output.step, directory, metadata, query, of_files)


def check_nesting(
    drafts: Mapping[str, Draft], written: Mapping[str, StepDraft], problems: Problems
) -> None:
    """The catalogue refuses a field on a directory when one above has it.

    :param written: every step by itself.
    """
    shared = {
        d.path: set(d.metadata)
        for drafted in drafts.values()
        if drafted.output is not None
        for d in directories.directories(drafted.settings["base_path"], drafted.output)
    }
    for name, native in written.items():
        own = native.output
        for above, fields in shared.items() if own is not None else ():
            if own is None or not own.directory.startswith(f"{above}/"):
                continue
            twice = sorted(fields & own.metadata.keys())
            if twice:
                problems.add(
                    ("steps", name, "output", "directory"),
                    f"the directory lies below {above}, and both have {', '.join(twice)}: the "
                    "catalogue refuses that",
                    "give the step a directory of its own, side by side",
                    code="directories",
                )
