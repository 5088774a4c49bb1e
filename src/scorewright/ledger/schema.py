"""The tables, as the last migration leaves them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

metadata = MetaData()

# In SQLite an INTEGER key is the row's place in the file, so that appending never moves a row.
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

# Most rows refer to no decision, and an index that skips them is one page less to write each time.
_WHERE: dict[str, Any] = dict.fromkeys(("sqlite_where", "postgresql_where"), text("decision IS NOT NULL"))

#: The chain. What is sealed stands last, because SQLite walks through a long value to reach the columns behind it.
ENTRIES = Table(
    "ledger_entries",
    metadata,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("caller", String(200), nullable=False),
    Column("idempotency", LargeBinary, unique=True),
    Column("request", LargeBinary),
    Column("subject", String(36)),
    Column("decision", String(36)),
    Column("portfolio", String(200)),
    Column("model", String(200)),
    Column("bundle", String(200)),
    Column("policy", String(200)),
    Column("outcome", String(16)),
    Column("pd", Double),
    Column("low", Double),
    Column("high", Double),
    Column("details", Text, nullable=False),
    Column("key", String(16), nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    Index("ledger_entries_subject", "subject", "sequence"),
    Index("ledger_entries_decision", "decision", "sequence", **_WHERE),
    Index("ledger_entries_kind", "kind", "sequence"),
)

#: Clients and their wrapped data keys: the one table that rows leave, when a client is forgotten.
SUBJECTS = Table(
    "ledger_subjects",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tag", LargeBinary, nullable=False, unique=True),
    Column("key", String(16), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

#: One row: the end of the chain, sealed, so that a chain cut short is noticed.
HEAD = Table(
    "ledger_head",
    metadata,
    Column("ledger", String(36), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("key", String(16), nullable=False),
    Column("seal", LargeBinary, nullable=False),
)

#: Where Alembic keeps the revision of these tables.
REVISIONS = "ledger_revision"
