"""Lets ``airflow db migrate`` make the tables of the ledger in Airflow's own database.

It does so where ``[dirac_prodsys] ledger`` is ``airflow``; else nothing of ours is in there.

Invariant: Airflow never removes them: ``airflow db reset`` leaves records that are kept for years.
"""

from __future__ import annotations

from typing import Any

from airflow.utils.db_manager import BaseDBManager

from dirac_prodsys.ledger.database import MIGRATIONS
from dirac_prodsys.ledger.tables import VERSION_TABLE, metadata
from dirac_prodsys.provider.reporting.ledger_settings import AIRFLOW, LEDGER, option


class LedgerDBManager(BaseDBManager):
    """Migrates the tables of the ledger together with Airflow's."""

    metadata = metadata
    version_table_name = VERSION_TABLE
    migration_dir = MIGRATIONS.as_posix()
    alembic_file = (MIGRATIONS / "alembic.ini").as_posix()
    supports_table_dropping = False

    def initdb(self, use_migration_files: bool = False) -> None:
        """Make the tables, or bring them up to date, if the ledger is here."""
        if self._is_here():
            super().initdb(use_migration_files=use_migration_files)

    def upgradedb(self, *args: Any, **given: Any) -> None:
        """Bring the tables up to date, if the ledger is here."""
        if self._is_here():
            super().upgradedb(*args, **given)

    def check_migration(self) -> bool:
        """Return whether nothing is to be done."""
        return not self._is_here() or super().check_migration()

    def _is_here(self) -> bool:
        if option(LEDGER) != AIRFLOW:
            return False
        kind = self.session.get_bind().dialect.name
        if kind not in ("sqlite", "postgresql"):
            self.log.warning("the ledger cannot be in %s: see [dirac_prodsys] ledger_url", kind)
            return False
        return True

    def downgrade(self, *_args: Any, **_given: Any) -> None:
        """Leave the tables as they are: an older version of the package uses newer ones."""
        self.log.info("the tables of the ledger stay as they are")
