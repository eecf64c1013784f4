"""Writes records into files for other programs: JSON lines, CSV, Parquet.

Invariant: every record that is meant is in the file, with all its fields; the columns of CSV and
Parquet are those that all records share, and ``content`` holds the record as JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.errors import LedgerUnavailable
from dirac_prodsys.ledger.tables import SEARCHED

#: columns of a table of records
COLUMNS = ("key", "kind", "at", *SEARCHED, "content")

#: records of a group of rows in Parquet
_GROUP = 10_000


def write_json(found: Iterable[Record], file: IO[bytes]) -> int:
    """Write one record a line; return how many."""
    count = 0
    for record in found:
        file.write(f"{record.to_json()}\n".encode())
        count += 1
    return count


def write_csv(found: Iterable[Record], file: IO[bytes]) -> int:
    """Write a table with a head; return the number of records."""
    count = 0
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for record in found:
        writer.writerow(_row(record).values())
        count += 1
    text.flush()
    text.detach()
    return count


def write_parquet(found: Iterable[Record], file: IO[bytes]) -> int:
    """Write a Parquet file; return the number of records.

    :raises LedgerUnavailable: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise LedgerUnavailable(
            "Parquet needs pyarrow, which is not installed",
            "pip install 'dirac-prodsys[parquet]', or export as csv or json",
        ) from None
    words = {name: arrow.string() for name in COLUMNS}
    types = {**words, "at": arrow.timestamp("us", tz="UTC"), "transformation": arrow.int64()}
    schema = arrow.schema(list(types.items()))
    count = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _groups(found):
            writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _groups(found: Iterable[Record]) -> Iterator[list[dict[str, Any]]]:
    left = iter(found)
    while rows := [{**_row(record), "at": record.at} for record in islice(left, _GROUP)]:
        yield rows


def _row(record: Record) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in COLUMNS if name != "content"}
    return {**values, "at": record.at.isoformat(), "content": record.to_json()}


#: name of a format → what writes it
FORMATS: Mapping[str, Callable[[Iterable[Record], IO[bytes]], int]] = {
    "json": write_json,
    "csv": write_csv,
    "parquet": write_parquet,
}
