"""Implements the Common Workflow Language: its form of productions, and jobs that run a process.

CWL is no community of a grid, and needs the same of us: a form, a job type, rules. So it is found
as one (``core/community``), costs nothing where it is not used, and core knows no word of it::

    form/      dialect      a workflow, or ``cwl:`` in a production, to the native form
               workflow     which step is which transformation; refuses what DIRAC cannot do
               links        what flows into a step: values, files of steps, listed files
               files        whether files can flow so; scattering: the values of each job
               values       these as values
               expressions  parameter references, and JavaScript by a child
               hints        ``dirac:`` hints, behind one reader
               writing      a production as CWL
    job/       job_type     ``job: {type: cwl}``; loading: its file, packed
               worker       what runs on the worker: the site's cwltool between two steps
    document/  references   ``run``, ``$import``, ``$include``: within the folder, no loops
               versions     processes of several versions in one document
               process      a checked process as values; types
               packing      canonical text, digest; validity: what cwl-utils says, in a child

Invariant: no CWL library is imported by whoever reads, draws or runs a production. What Airflow is
served is the native form with each process packed.
"""

from __future__ import annotations

from dirac_prodsys.core.community import Community

_HERE = "dirac_prodsys.communities.cwl"

COMMUNITY = Community(
    name="cwl",
    title="CWL",
    form_keys=("cwlVersion", "$graph", "cwl"),
    file_keys=f"{_HERE}.form.dialect:file_keys",
    endings=(".cwl",),
    dialect=f"{_HERE}.form.dialect",
    written=f"{_HERE}.form.writing:text_of",
    job_types=f"{_HERE}.job.job_type:JOB_TYPES",
    rules=(
        (
            "cwl-document",
            "error",
            "A document is not valid CWL, or names files that are not there.",
        ),
        ("cwl-between-steps", "error", "CWL between two steps that no grid can do: one job can."),
        ("cwl-production", "error", "A workflow does not say what a production needs to know."),
        ("cwl-job", "error", "The inputs or outputs of a job do not fit its CWL process."),
        (
            "cwl-unfed",
            "warning",
            "A step inside the process of a job gives nothing to an input that needs a value.",
        ),
        ("cwl-hint", "warning", "A hint that is not known, or means nothing here."),
        ("cwl-dropped", "note", "A part of a workflow that nothing follows from."),
    ),
)
