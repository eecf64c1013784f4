"""Shows the output of a step with a CTAO job to steps of any other type.

Invariant: no directory of another step is at a place where the catalogue would refuse its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping

from dirac_prodsys.communities.ctao.rules import directories
from dirac_prodsys.communities.ctao.rules.draft import CtaoDraft
from dirac_prodsys.communities.ctao.rules.outputs import CtaoOutput
from dirac_prodsys.communities.ctao.types.vocabulary import bare, known_query, single
from dirac_prodsys.core.grid.specs import MetaValue
from dirac_prodsys.core.problems import Problems
from dirac_prodsys.core.steps import outputs
from dirac_prodsys.core.steps.draft import StepDraft


def findable(output: CtaoOutput, directory: str) -> outputs.Output:
    """Return the output as links of any type of step see it."""
    of_files = known_query({n: form for n, form in output.query.items() if n in output.files})
    conditions = known_query(output.carried).to_dirac()
    metadata: dict[str, MetaValue] = {}
    for name, condition in conditions.items():
        if name not in output.files and single(bare(condition)):
            metadata[name] = bare(condition)
    query = output.known
    return outputs.Output(output.step, directory, metadata, query, of_files)


def check_nesting(
    drafts: Mapping[str, CtaoDraft], written: Mapping[str, StepDraft], problems: Problems
) -> None:
    """Note a directory field that a directory above has as well: the catalogue refuses it.

    :param written: every step, not yet linked to others.
    """
    shared = {
        d.path: set(d.metadata)
        for drafted in drafts.values()
        if drafted.output is not None and drafted.settings.complete
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
