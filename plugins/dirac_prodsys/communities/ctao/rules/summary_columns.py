"""Defines the columns of the page on which CTAO reports its datasets.

Source: the production summary page, as shown at the meeting on a common production system.
"""

from __future__ import annotations

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
