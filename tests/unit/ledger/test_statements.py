from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from scorewright.ledger.schema import ENTRIES
from scorewright.ledger.statements import Lookup, Statement

LOANS = Table(
    "loans",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("name", String(10)),
    Column("content", LargeBinary),
)
ROWS = [{"number": number, "content": bytes([number]), "name": f"loan {number}"} for number in range(20)]


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    LOANS.create(engine)
    with engine.begin() as made:
        Statement(insert(LOANS)).run(made, ROWS)
        yield made
    engine.dispose()


def test_what_is_written_is_what_sqlalchemy_reads(connection: Connection) -> None:
    Statement(insert(LOANS)).run(connection, [{"number": 20, "name": None, "content": b"\x00"}])
    found = [dict(row) for row in connection.execute(select(LOANS).order_by(LOANS.c.number)).mappings()]
    assert found == [*ROWS, {"number": 20, "name": None, "content": b"\x00"}]


def test_rows_come_as_sqlalchemy_gives_them(connection: Connection) -> None:
    query = select(LOANS).where(LOANS.c.number > bindparam("least"))
    expected = [tuple(row) for row in connection.execute(query, {"least": 15})]
    assert Statement(query).rows(connection, {"least": 15}) == expected
    assert len(expected) == 4


def test_a_value_that_is_missing_is_noticed(connection: Connection) -> None:
    statement = Statement(select(LOANS).where(LOANS.c.number > bindparam("least")))
    with pytest.raises(KeyError):
        statement.rows(connection, {"most": 15})


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8, 20])
def test_as_many_rows_are_looked_up_as_are_wanted(connection: Connection, count: int) -> None:
    lookup = Lookup(select(LOANS.c.number), LOANS.c.name)
    wanted = {f"loan {number}" for number in range(count)} | ({"loan 99"} if count else set())
    assert sorted(lookup.rows(connection, wanted)) == [(number,) for number in range(count)]


def test_parameters_keep_their_names_where_the_driver_knows_names() -> None:
    compiled = insert(ENTRIES).compile(dialect=PGDialect_psycopg())
    assert not compiled.positional
    assert "%(sealed)s" in str(compiled)
