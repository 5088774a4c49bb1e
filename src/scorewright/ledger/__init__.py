"""The append-only record of decisions, in SQLite or PostgreSQL. The only room that knows SQLAlchemy."""

from __future__ import annotations

from scorewright.ledger.keys import LedgerKeys
from scorewright.ledger.opening import open_ledger
from scorewright.ledger.sql_ledger import LedgerOptions, SqlLedger

__all__ = ["LedgerKeys", "LedgerOptions", "SqlLedger", "open_ledger"]
