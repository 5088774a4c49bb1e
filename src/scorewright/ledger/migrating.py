"""Bring the tables to the layout of this version."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection

from scorewright.errors import LedgerVersionError
from scorewright.ledger.schema import REVISIONS

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: Connection) -> None:
    """Create or upgrade the tables, inside the connection's transaction.

    Raises
    ------
    LedgerVersionError
        The tables have a layout that this version does not know.
    """
    script = ScriptDirectory(MIGRATIONS)
    newest = script.get_current_head()
    found = MigrationContext.configure(connection, opts={"version_table": REVISIONS}).get_current_revision()
    if found == newest:
        return
    try:
        _upgrade(connection, script)
    except (CommandError, RevisionError) as error:
        raise LedgerVersionError(
            f"The ledger's layout must be one that this version knows ({newest} or before).",
            f"layout {found}",
            "Use the version of Scorewright that wrote it, or a later one.",
        ) from error


def _upgrade(connection: Connection, script: ScriptDirectory) -> None:
    with EnvironmentContext(
        Config(),
        script,
        fn=lambda revision, _: script._upgrade_revs("head", revision),  # noqa: SLF001 - as alembic.command does
        destination_rev="head",
    ) as environment:
        environment.configure(connection=connection, version_table=REVISIONS, transactional_ddl=True)
        environment.run_migrations()
