"""Defines the columns of the page on which CTAO reports its datasets, and counts showers.

Source: the production summary page, as shown at the meeting on a common production system.
"""

from __future__ import annotations

from dirac_prodsys.core.grid.specs import CommunityBody
from dirac_prodsys.core.reports.summary.columns import Column

COLUMNS = (
    Column("transformations", "Transformation Id"),
    Column("dataset", "dataset"),
    Column("run_ranges", "Run"),
    Column("files", "NbFiles (all sub arrays)"),
    Column("events_per_file", "NbShower per file"),
    Column("events", "Total Nb of Events"),
    Column("target", "Target Nb of Events"),
    Column("status", "Status"),
    Column("query", "Query to select dataset"),
    Column("bytes", "DataSet Size on Disk"),
    Column("comment", "Comments"),
)


def events_per_file(body: CommunityBody) -> int | None:
    """Return the showers that a job simulates for its file; None: it simulates none."""
    showers = dict(body.settings).get("n_shower")
    return showers if isinstance(showers, int) else None
