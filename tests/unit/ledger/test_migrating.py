from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from scorewright.ledger.database import Database
from scorewright.ledger.migrating import MIGRATIONS, migrate
from scorewright.ledger.schema import REVISIONS, metadata


def test_the_migrations_lead_to_the_tables_as_they_are_described(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}", 1.0)
    with database.writing() as connection:
        migrate(connection)
        context = MigrationContext.configure(connection, opts={"version_table": REVISIONS, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        migrate(connection)  # a second time changes nothing
        assert compare_metadata(context, metadata) == []
    database.close()


def test_the_migrations_travel_with_the_package() -> None:
    assert [file.name for file in (MIGRATIONS / "versions").glob("v*.py")] == ["v0001_chain.py"]
