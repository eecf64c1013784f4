from __future__ import annotations

from dirac_prodsys.core.grid.catalogue_files import CatalogueFile
from dirac_prodsys.core.reports.dataset_content import (
    Share,
    by_place,
    by_value,
    in_bytes,
    run_ranges,
    shown,
)


def file(number: int, run: object = None, *places: str) -> CatalogueFile:
    metadata = {} if run is None else {"runNumber": run}
    return CatalogueFile(f"/sim/{number}", 10, "1", number, places, metadata)


def test_a_file_with_two_replicas_counts_at_both_places() -> None:
    found = by_place([file(1, None, "A-SE", "B-SE"), file(2, None, "A-SE"), file(3)])
    assert found == (Share("A-SE", 2, 20), Share("B-SE", 1, 10))


def test_runs_are_joined_to_ranges_and_the_gaps_between_them_are_named() -> None:
    runs = [1, "2", 3, 3, 7, "9", "10", "calibration", None, ""]
    made = by_value([file(number, run) for number, run in enumerate(runs)], "runNumber")
    assert made.shares == (
        Share("1-3", 4, 40),
        Share("7", 1, 10),
        Share("9-10", 2, 20),
        Share("calibration", 1, 10),
    )
    assert made.gaps == ("4-6", "8")
    assert made.without == 2


def test_run_numbers_are_ranges_of_the_field_that_files_have() -> None:
    runs = [1, "2", 3, 3, 7, "calibration", None]
    files = [file(number, run) for number, run in enumerate(runs)]
    assert run_ranges(files, ["run", "runNumber"]) == ("1-3", "7")
    assert run_ranges(files, ["run"]) == run_ranges([], ["runNumber"]) == ()
    assert run_ranges([file(n, 2 * n) for n in range(1, 100)], ["runNumber"]) == ("2-198",)


def test_no_file_has_no_range() -> None:
    made = by_value([], "runNumber")
    assert (made.shares, made.gaps, made.without) == ((), (), 0)


def test_bytes_are_written_as_on_the_summary_page() -> None:
    assert [in_bytes(size) for size in (0, 999, 1_500, 48_000_000_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "48.0 TB",
    ]


def test_of_many_texts_the_first_are_shown() -> None:
    assert shown(["a", "b"]) == "a, b"
    assert shown([str(number) for number in range(25)]).endswith("19 and 5 more")
