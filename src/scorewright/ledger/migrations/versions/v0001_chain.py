"""The chain of entries, the clients' keys and the head.

Triggers keep rows of the chain from being changed or removed by mistake. They are no defence against whoever may drop
them: the MACs are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SQLITE = """
CREATE TRIGGER ledger_entries_no_{verb} BEFORE {VERB} ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
"""
_FUNCTION = """
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
"""
_POSTGRESQL = """
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()
"""


def upgrade() -> None:
    """Make the tables."""
    _entries()
    op.create_table(
        "ledger_subjects",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("tag", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_head",
        sa.Column("ledger", sa.String(36), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
    )
    _append_only()


def _entries() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("idempotency", sa.LargeBinary, unique=True),
        sa.Column("request", sa.LargeBinary),
        sa.Column("subject", sa.String(36)),
        sa.Column("decision", sa.String(36)),
        sa.Column("portfolio", sa.String(200)),
        sa.Column("model", sa.String(200)),
        sa.Column("bundle", sa.String(200)),
        sa.Column("policy", sa.String(200)),
        sa.Column("outcome", sa.String(16)),
        sa.Column("pd", sa.Double),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
    )
    referring = sa.text("decision IS NOT NULL")
    for column, where in (("subject", None), ("decision", referring), ("kind", None)):
        op.create_index(
            f"ledger_entries_{column}",
            "ledger_entries",
            [column, "sequence"],
            sqlite_where=where,
            postgresql_where=where,
        )


def _append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(_SQLITE.format(verb=verb, VERB=verb.upper()))
    else:
        op.execute(_FUNCTION)
        op.execute(_POSTGRESQL)
