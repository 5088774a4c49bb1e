"""Features by DuckDB: the feature files' own text, run by another engine over the raw tables."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import duckdb
import polars as pl

from scorewright.tables.portfolio import Portfolio

_FEATURE_TYPES = re.compile(
    r"^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|U\w+INT\w*|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN|VARCHAR)$"
)


def duckdb_features(portfolio: Portfolio, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Compute the root's features, then those of its direct children, one row per application in the root's order.

    `tables` are raw: sentinels are still in them. An absent table must be given without rows, with its columns.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        own, inherited = _Oracle(connection, portfolio, tables).root()
        query = ", ".join(f"r.{_quoted(name)}" for name in (*own, *inherited))
        result = connection.execute(f"SELECT {query} FROM result r ORDER BY __row")
        return pl.DataFrame(result.fetchall(), schema=[*own, *inherited], orient="row", infer_schema_length=None)


class _Oracle:
    def __init__(
        self, connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, tables: Mapping[str, pl.DataFrame]
    ) -> None:
        self._connection, self._portfolio, self._tables = connection, portfolio, tables

    def root(self) -> tuple[list[str], list[str]]:
        """Make the table ``result``; name the root's own features and those it inherits."""
        root = self._portfolio.root
        raw, inherited = self._prepare(root)
        sql = str(self._portfolio.sql(root))
        starred = ", ".join(_quoted(name) for name in raw if self._may_be_feature(name, raw[name]))
        head, tail = _last_select(sql)
        tail = re.sub(r"^\s*\*", f" {starred}", tail) if starred else re.sub(r"^\s*\*\s*,?", " ", tail)
        self._connection.execute(f"CREATE TABLE own AS {head} __row, {tail}")
        own = [name for name in self._columns("own") if name != "__row"]
        kept = [name for name, kind in inherited.items() if _FEATURE_TYPES.match(kind)]
        more = "".join(f", a.{_quoted(name)}" for name in kept)
        self._connection.execute(
            f"CREATE TABLE result AS SELECT o.*{more} FROM own o JOIN {_quoted(root)} a USING (__row)"
        )
        return own, kept

    def _may_be_feature(self, name: str, kind: str) -> bool:
        spec = self._portfolio.tables[self._portfolio.root]
        barred = {spec.key, spec.date, *spec.identifiers, *spec.never, self._portfolio.target.column, "__row"}
        return name not in barred and bool(_FEATURE_TYPES.match(kind))

    def _prepare(self, table: str) -> tuple[dict[str, str], dict[str, str]]:
        """Make the table with its children's features joined on; give its raw columns and those features."""
        self._connection.register(f"raw {table}", self._tables[table].with_row_index("__row").to_arrow())
        self._connection.execute(
            f"CREATE TABLE {_quoted(table)} AS SELECT {self._emptied(table)} FROM {_quoted(f'raw {table}')}"
        )
        raw, inherited = self._columns(table), {}
        for child in self._portfolio.children(table):
            if self._portfolio.sql(child) is not None and child in self._tables:
                inherited |= self._join(table, child)
        return raw, inherited

    def _join(self, parent: str, child: str) -> dict[str, str]:
        self._prepare(child)
        on = _quoted(str(self._portfolio.tables[child].on))
        head, tail = _last_select(str(self._portfolio.sql(child)))
        self._connection.execute(f'CREATE TABLE "features {child}" AS {head} {on} AS __on, {tail}')
        made = {
            name: kind
            for name, kind in self._columns(f"features {child}").items()
            if name not in {"__on", on.strip('"')}
        }
        chosen = "".join(f", c.{_quoted(name)}" for name in made)
        self._connection.execute(
            f"CREATE OR REPLACE TABLE {_quoted(parent)} AS SELECT p.*{chosen} FROM {_quoted(parent)} p "
            f'LEFT JOIN "features {child}" c ON p.{on} = c.__on'
        )
        return made

    def _emptied(self, table: str) -> str:
        """Columns with sentinels and NaN turned to null."""
        spec, parts = self._portfolio.tables[table], []
        for name, dtype in self._tables[table].schema.items():
            column = _quoted(name)
            barred = ", ".join(_literal(value) for value in spec.sentinels.get(name, ()))
            tests = [f"{column} IN ({barred})"] if barred else []
            tests += [f"isnan({column})"] if dtype.is_float() else []
            parts.append(f"CASE WHEN {' OR '.join(tests)} THEN NULL ELSE {column} END AS {column}" if tests else column)
        return ", ".join([*parts, "__row"])

    def _columns(self, table: str) -> dict[str, str]:
        described = self._connection.execute(f"DESCRIBE {_quoted(table)}").fetchall()
        return {row[0]: row[1] for row in described}


def _last_select(sql: str) -> tuple[str, str]:
    """Split the text behind the last SELECT, which is not the one inside a CTE."""
    start = [match.end() for match in re.finditer(r"(?im)^\s*SELECT\b", sql)][-1]
    return sql[:start], sql[start:]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def differences(ours: pl.DataFrame, theirs: pl.DataFrame, exact: frozenset[str] = frozenset()) -> list[str]:
    """Name the first difference of each column: relative 1e-9, or 1e-12 for the columns named `exact`.

    What is not finite is missing in both.
    """
    if ours.columns != theirs.columns:
        return [f"columns {ours.columns} and {theirs.columns}"]
    found = []
    for name in ours.columns:
        tolerance = 1e-12 if name in exact else 1e-9
        pairs = zip(ours[name].to_list(), theirs[name].to_list(), strict=True)
        wrong = [(row, a, b) for row, (a, b) in enumerate(pairs) if not _same(a, b, tolerance)]
        if wrong:
            found.append(f"{name}: {wrong[0]} and {len(wrong) - 1} more")
    return found


def _same(a: object, b: object, tolerance: float) -> bool:
    a, b = _plain(a), _plain(b)
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=0.0)
    return a == b


def _plain(value: object) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None


def exact_features(portfolio: Portfolio) -> frozenset[str]:
    """Names of counts and extremes, which no order of summing can change."""
    exact = set()
    for table in portfolio.tables:
        for line in (portfolio.sql(table) or "").splitlines():
            match = re.match(r'\s*(?:COUNT|MIN|MAX)\((?:(?! AS ).)*\)\s+AS\s+"?(\w+)"?', line)
            if match and "/" not in line.split(" AS ")[0]:
                exact.add(match.group(1))
    return frozenset(exact)
