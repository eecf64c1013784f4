"""Lets ``airflow db migrate`` make the tables of the ledger in Airflow's own database.

They are there whether ``[dirac_prodsys] ledger_url`` is ``airflow`` or not: an empty table costs
nothing.

Invariant: Airflow never removes them: ``airflow db reset`` leaves records that are kept for years.
"""

from __future__ import annotations

from typing import Any

from airflow.utils.db_manager import BaseDBManager

from dirac_prodsys.ledger.database import MIGRATIONS
from dirac_prodsys.ledger.tables import VERSION_TABLE, metadata


class LedgerDBManager(BaseDBManager):
    """Migrates the tables of the ledger together with Airflow's."""

    metadata = metadata
    version_table_name = VERSION_TABLE
    migration_dir = MIGRATIONS.as_posix()
    alembic_file = (MIGRATIONS / "alembic.ini").as_posix()
    supports_table_dropping = False

    def downgrade(self, *_args: Any, **_given: Any) -> None:
        """Leave the tables as they are: an older version of the package uses newer ones."""
        self.log.info("the tables of the ledger stay as they are")
