"""The migrations lead to the tables that the code uses, and Alembic's files are in the wheel."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dirac_prodsys.ledger.database import config, is_current, migrate, open_engine
from dirac_prodsys.ledger.tables import VERSION_TABLE, VERSIONS, metadata


def test_the_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrating_again_changes_nothing(url: str) -> None:
    engine = open_engine(url)
    assert not is_current(engine)
    migrate(engine)
    assert is_current(engine)
    migrate(engine)
    assert is_current(engine)
    engine.dispose()


def test_the_package_names_the_versions_of_the_tables() -> None:
    walked = ScriptDirectory.from_config(config()).walk_revisions()
    assert tuple(each.revision for each in walked) == VERSIONS[::-1]
