"""The 17 rows of a site's page, as records and as they stand there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dirac_prodsys.core.reports.ledger.records import SummaryRecord

AT = datetime(2017, 5, 22, tzinfo=UTC)

#: the table as it stands in the slides of 2017, tabs between cells
PAGE = """\
Transformation Id	dataset	Run	NbFiles (all sub arrays)	NbShower per file	Total Nb of Events	Target Nb of Events	Status	Query to select dataset	DataSet Size on Disk	Comments
282	Paranal_gamma_South	1-5000	24542 21820	20000	0.10e9 0.09e9	0.1e9	completed	Paranal_gamma_South	48.0 42.7 TB	-
283	Paranal_gamma-diffuse_South	1-5000	22674 19147	20000	0.09e9 0.08e9	0.1e9	completed	Paranal_gamma-diffuse_South	44.1 9.4 TB	-
284	Paranal_electron_South	1-5000	22824 19417	20000	0.09e9 0.08e	0.1e9	completed	Paranal_electron_South	40.5 8.9 TB	-
285, 349	Paranal_proton_South	1-90000	421038 376301	25000	2.11e9 1.88e9	2e9	completed	Paranal_proton_South	454.2 134.7 TB	-
287	Paranal_gamma_North	1-5500	25668 20839	20000	0.1e9 0.08e9	0.1e9	completed	Paranal_gamma_North	52.0 42.2 TB	-
288	Paranal_gamma-diffuse_North	1-5000	24458 17815	20000	0.10e9 0.07e9	0.1e9	completed	Paranal_gamma-diffuse_North	42.6 9.2 TB	-
289	Paranal_electron_North	1-5000	24644 18304	20000	0.10e9 0.07e9	0.1e9	completed	Paranal_electron_North	42.0 8.9 TB	-
298, 340	Paranal_proton_North	20000-110000	445004 388061	25000	2.08e9 1.94e9	2e9	completed	Paranal_proton_North	454.2 141.7 TB	-
-	-	-	-	-	-	-	-	-	-	-
501	Paranal_gamma_South_40deg	1-5000	23053	20000	0.09e9	0.08e9	completed	Paranal_gamma_South_40deg	82.1 TB	nb files looks suspicious
502	Paranal_gamma-diffuse_South_40deg	1-5000	23364	20000	0.09e9	0.08e9	completed	Paranal_gamma-diffuse_South_40deg	19.2 TB	-
507	Paranal_electron_South_40deg	1-5000	23260	20000	0.09e9	0.08e9	completed	Paranal_electron_South_40deg	17.9 TB	-
536, 547, 557	Paranal_proton_South_40deg	1-100, 101-5000, 20000-30000	422223 116386	50000	1.22e9 1.16e9	1e9	completed	Paranal_proton_South_40deg	452.6 145.0 TB	multiple transformations
563	Paranal_gamma_North_40deg	20000-25000	21079 19276	20000	0.09e9 0.08e9	0.08e9	completed	Paranal_gamma_North_40deg	78.6 71.8 TB	-
567	Paranal_gamma-diffuse_North_40deg	1-5000	23937	20000	0.10e9	0.08e9	completed	Paranal_gamma-diffuse_North_40deg	20.6 TB	-
580	Paranal_electron_North_40deg	1-5000	24322 21186	20000	0.10e9 0.08e9	0.08e9	completed	Paranal_electron_North_40deg	49.7 17.2 TB	-
584	Paranal_proton_North_40deg	1-48000	207153	25000	1.04e9	1e9	completed	Paranal_proton_North_40deg	138.3 TB	-
"""  # noqa: E501  as it stands there

#: numbers that a hand wrote differently from all others of their column
SLIPS = {"0.09e9 0.08e\t": "0.09e9 0.08e9\t", "\t0.1e9 0.08e9\t": "\t0.10e9 0.08e9\t"}


def page() -> list[list[str]]:
    """Head and rows of the page, its two slips mended."""
    text = PAGE
    for slip, mended in SLIPS.items():
        assert text.count(slip) == 1
        text = text.replace(slip, mended)
    return [line.split("\t") for line in text.splitlines()]


def _row(
    number: int, ids: str, name: str, runs: str, files: str, per_file: int, *numbers: Any
) -> SummaryRecord:
    events, target, size, comment = numbers
    return SummaryRecord(
        at=AT,
        vo="vo",
        campaign="prod3b",
        number=number,
        transformations=tuple(map(int, ids.split())),
        dataset=f"Paranal_{name}",
        run_ranges=tuple(runs.split()),
        files=tuple(map(int, files.split())),
        showers_per_file=per_file,
        events=events,
        target=target,
        status="completed",
        query=f"Paranal_{name}",
        bytes=tuple(round(terabytes * 1e12) for terabytes in size),
        comment=comment,
    )


def records() -> list[SummaryRecord]:
    """The rows as somebody enters them, number by number; one of them separates two periods."""
    south, north = "gamma_South_40deg", "gamma_North_40deg"
    diffuse_south, diffuse_north = "gamma-diffuse_South_40deg", "gamma-diffuse_North_40deg"
    electron_south, electron_north = "electron_South_40deg", "electron_North_40deg"
    ranges = "1-100 101-5000 20000-30000"
    many = "multiple transformations"
    odd = "nb files looks suspicious"
    t, e = 20000, 25000
    nine, eight = (0.09e9,), 0.08e9
    down, ten, ten8 = (0.09e9, 0.08e9), (0.10e9, 0.07e9), (0.10e9, 0.08e9)
    gamma = "gamma-diffuse_South"
    return [
        _row(1, "282", "gamma_South", "1-5000", "24542 21820", t, (1e8, 9e7), 1e8, (48, 42.7), ""),
        _row(2, "283", gamma, "1-5000", "22674 19147", t, down, 1e8, (44.1, 9.4), ""),
        _row(3, "284", "electron_South", "1-5000", "22824 19417", t, down, 1e8, (40.5, 8.9), ""),
        _row(
            4,
            "285 349",
            "proton_South",
            "1-90000",
            "421038 376301",
            e,
            (2.11e9, 1.88e9),
            2e9,
            (454.2, 134.7),
            "",
        ),
        _row(5, "287", "gamma_North", "1-5500", "25668 20839", t, ten8, 1e8, (52.0, 42.2), ""),
        _row(
            6, "288", "gamma-diffuse_North", "1-5000", "24458 17815", t, ten, 1e8, (42.6, 9.2), ""
        ),
        _row(7, "289", "electron_North", "1-5000", "24644 18304", t, ten, 1e8, (42.0, 8.9), ""),
        _row(
            8,
            "298 340",
            "proton_North",
            "20000-110000",
            "445004 388061",
            e,
            (2.08e9, 1.94e9),
            2e9,
            (454.2, 141.7),
            "",
        ),
        SummaryRecord(at=AT, vo="vo", campaign="prod3b", number=9),
        _row(10, "501", south, "1-5000", "23053", t, nine, eight, (82.1,), odd),
        _row(11, "502", diffuse_south, "1-5000", "23364", t, nine, eight, (19.2,), ""),
        _row(12, "507", electron_south, "1-5000", "23260", t, nine, eight, (17.9,), ""),
        _row(
            13,
            "536 547 557",
            "proton_South_40deg",
            ranges,
            "422223 116386",
            50000,
            (1.22e9, 1.16e9),
            1e9,
            (452.6, 145.0),
            many,
        ),
        _row(14, "563", north, "20000-25000", "21079 19276", t, down, eight, (78.6, 71.8), ""),
        _row(15, "567", diffuse_north, "1-5000", "23937", t, (0.10e9,), eight, (20.6,), ""),
        _row(16, "580", electron_north, "1-5000", "24322 21186", t, ten8, eight, (49.7, 17.2), ""),
        _row(17, "584", "proton_North_40deg", "1-48000", "207153", e, (1.04e9,), 1e9, (138.3,), ""),
    ]
