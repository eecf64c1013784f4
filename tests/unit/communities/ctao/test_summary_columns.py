"""The ledger knows how many showers a file of CTAO has."""

from __future__ import annotations

from datetime import UTC, datetime

from dirac_prodsys.core.community import community_of
from dirac_prodsys.core.reports.ledger.made_from import Place, step_of
from dirac_prodsys.core.reports.summary.columns import CELLS
from dirac_prodsys.core.reports.summary.rows import summary_rows
from tests.unit.communities.ctao.ctao_files import SIMULATION
from tests.unit.communities.ctao.test_native import job, plan


def test_a_step_knows_its_showers_and_the_summary_how_many_are_wanted() -> None:
    (step,) = plan(simulate=job({**SIMULATION, "n_shower": 20000}, tasks=5000)).steps
    place = Place(production="p", run="r1", step="simulate", transformation=282)
    record = step_of(step, place, datetime(2026, 3, 1, tzinfo=UTC), adopted=False)
    assert record.events_per_file == 20000
    (row,) = summary_rows([record])
    assert (row.events_per_file, row.target) == (20000, 1e8)


def test_every_column_can_be_filled() -> None:
    community = community_of("ctao")
    columns = community.offered(community.summary_columns)
    assert len(columns) == 11
    assert {column.key for column in columns} <= CELLS.keys()
