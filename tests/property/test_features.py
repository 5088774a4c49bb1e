"""Features of any tables: DuckDB's values, and the same bits whoever else is in the batch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scorewright.features.compile import compile_features
from scorewright.features.encoding import Encoder, learn_columns
from scorewright.features.engine import FeatureEngine
from scorewright.features.expressions import Expression, portfolio_expressions
from scorewright.tables.contract import infer_contract
from scorewright.tables.loading import load_tables, open_data, restrict
from scorewright.tables.portfolio import Portfolio, load_portfolio, portfolio_from_files, shipped_portfolios
from scorewright.tables.types import Tables
from tests.oracles import duckdb_features as oracle
from tests.oracles.book import APPLICATION, frames, portfolio

# Halves and quarters add and multiply exactly, so that a comparison or a FLOOR cannot fall on the other side.
halves = st.integers(-40, 40).map(lambda number: number / 4)
maybe = st.none()


def columns(*strategies: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.tuples(*strategies)


small = st.integers(-9, 9)
words = st.sampled_from(["", "a", "ab", "B", "é"])
flags = st.booleans() | maybe
days = st.dates() | maybe

applications = st.lists(columns(halves | maybe, small | maybe, words | maybe, flags, days), min_size=1, max_size=5)
loans = st.lists(columns(st.integers(0, 5), halves | maybe, small | maybe, words | maybe, flags, days), max_size=12)
months = st.lists(columns(st.integers(0, 12), small | maybe, halves | maybe), max_size=15)


@st.composite
def books(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """Three tables; loans and months may belong to nobody."""
    own = [(10 + key, "p", "F", *row, key % 2) for key, row in enumerate(draw(applications))]
    held = [(10 + key, number, *row, "x") for number, (key, *row) in enumerate(draw(loans))]
    return frames(application=own, loan=held, month=list(draw(months)))


def numbers(column: tuple[str, ...]) -> st.SearchStrategy[str]:
    leaves = st.sampled_from([*column, "0", "2", "-3", "25e-2", "7"])
    return st.recursive(leaves, _numbers_from, max_leaves=6)


def _numbers_from(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(pairs, st.sampled_from("+-*")).map(lambda each: f"({each[0][0]} {each[1]} {each[0][1]})"),
        pairs.map(lambda each: f"({each[0]} / NULLIF({each[1]}, 0))"),
        pairs.map(lambda each: f"(CASE WHEN {each[0]} > {each[1]} THEN {each[0]} ELSE {each[1]} END)"),
        pairs.map(lambda each: f"COALESCE({each[0]}, {each[1]})"),
        pairs.map(lambda each: f"GREATEST({each[0]}, {each[1]})"),
        pairs.map(lambda each: f"LEAST({each[0]}, {each[1]})"),
        st.tuples(inner, st.sampled_from(["ABS", "LN", "SQRT", "FLOOR", "CEIL", "ROUND"])).map(
            lambda each: f"{each[1]}({each[0]})"
        ),
    )


def conditions(number: st.SearchStrategy[str], text: str, flag: str) -> st.SearchStrategy[str]:
    tests = st.one_of(
        st.tuples(number, st.sampled_from(["<", "<=", "=", "<>", ">"]), number).map(" ".join),
        number.map(lambda each: f"{each} IS NULL"),
        number.map(lambda each: f"{each} BETWEEN -2 AND 4"),
        st.sampled_from([flag, f"NOT {flag}", f"{text} = 'a'", f"{text} LIKE 'a%'", f"{text} IN ('B', 'é')"]),
    )
    return (
        st.tuples(tests, st.sampled_from(["AND", "OR"]), tests).map(lambda each: f"({each[0]}) {each[1]} ({each[2]})")
        | tests
    )


def aggregates(number: st.SearchStrategy[str], condition: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    calls = (
        "SUM({})",
        "AVG({})",
        "MIN({})",
        "MAX({})",
        "COUNT({})",
        "COUNT(DISTINCT {})",
        "MEDIAN({})",
        "QUANTILE_CONT({}, 0.25)",
    )
    names = st.sampled_from(calls)

    def write(each: tuple[str, str, str | None]) -> str:
        name, inner, where = each
        call = name.format(inner)
        return f"{call} FILTER (WHERE {where})" if where else call

    return st.tuples(names, number, st.none() | condition).map(write)


OWN = ("AMOUNT", "AGE", "loan_a", "loan_b")
HELD = ('"SUM"', "TERM", "month_a", "derived")
LATE = ("LATE", "DUE")


@st.composite
def portfolios(draw: st.DrawFn) -> Portfolio:
    """Random expressions at every level: months below loans below applications."""
    late, held, own = numbers(LATE), numbers(HELD), numbers(OWN)
    month = f"SELECT {draw(aggregates(late, late.map(lambda each: f'{each} > 0')))} AS month_a FROM month GROUP BY LOAN"
    condition = conditions(held, "STATE", "PAID")
    loan = (
        f"WITH l AS (SELECT *, {draw(numbers(HELD[:3]))} AS derived FROM loan)\n"
        f"SELECT {draw(aggregates(held, condition))} AS loan_a, {draw(aggregates(held, condition))} AS loan_b,\n"
        "MIN(STATE) AS loan_state, MAX(PAID) AS loan_paid, COUNT(DISTINCT START) AS loan_days\nFROM l GROUP BY ID"
    )
    application = (
        f"SELECT *, {draw(own)} AS a, CASE WHEN {draw(conditions(own, 'JOB', 'OWNER'))} THEN {draw(own)} END AS b,\n"
        "EXTRACT(YEAR FROM DAY) AS c FROM application"
    )
    return portfolio(application=application, loan=loan, month=month)


def run(book: Portfolio, tables: Tables, like: Tables | None = None) -> pl.DataFrame:
    return FeatureEngine(book, compile_features(book, infer_contract(book, like or tables))).compute(tables)


@given(portfolios(), books())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_values_are_those_of_duckdb(book: Portfolio, tables: dict[str, pl.DataFrame]) -> None:
    assert oracle.differences(run(book, tables), oracle.duckdb_features(book, tables)) == []


class Matrix:
    """Encoded features of any part of some tables."""

    def __init__(self, book: Portfolio, tables: Tables) -> None:
        compiled = compile_features(book, infer_contract(book, tables))
        self._book, self._engine = book, FeatureEngine(book, compiled)
        self._encoder = Encoder(learn_columns(self._engine.compute(tables), compiled), "null")

    def of(self, tables: Tables) -> NDArray[np.float64]:
        keys = tables[self._book.root][self._book.key]
        return self._encoder.encode(self._engine.compute(tables), keys).values


def some(book: Portfolio, tables: Tables, rows: list[int]) -> Tables:
    return restrict(book, tables, pl.Series(rows, dtype=pl.Int64))


@given(portfolios(), books(), st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_batch_changes_no_bit(book: Portfolio, tables: dict[str, pl.DataFrame], random: object) -> None:
    matrix = Matrix(book, tables)
    whole = matrix.of(tables)
    order = list(range(len(whole)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert matrix.of(some(book, tables, order)).tobytes() == whole[order].tobytes()
    for row in order:
        assert matrix.of(some(book, tables, [row])).tobytes() == whole[[row]].tobytes()


def engines_agree(book: Portfolio, tables: Tables) -> bool:
    """Whether prepared programs and queries give the same features, to the last bit."""
    engine = FeatureEngine(book, compile_features(book, infer_contract(book, tables), portfolio_expressions(book)))
    few, many = engine.compute_all(tables), engine._queried(tables)
    same = bits(few.features) == bits(many.features) and bits(few.extra) == bits(many.extra)
    return engine.agrees(tables) and same and few.features.columns == many.features.columns


@given(portfolios(), books())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_programs_give_the_bits_of_queries(book: Portfolio, tables: dict[str, pl.DataFrame]) -> None:
    assert engines_agree(book, tables)


@pytest.mark.parametrize("rows", [1, 3, 60])
def test_programs_give_the_bits_of_queries_on_many_rows(rows: int) -> None:
    book, tables = random_book(rows, seed=rows, key=pl.Int64())
    assert engines_agree(book, tables)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Portfolio, list[str], list[Expression]]:
    """A portfolio, some of its features, and expressions beside the matrix."""
    book = draw(portfolios())
    names = ["AMOUNT", "AGE", "JOB", "OWNER", "a", "b", "c", "loan_a", "loan_b", "loan_state", "loan_paid", "loan_days"]
    some_names = draw(st.lists(st.sampled_from(names), unique=True))
    amounts = draw(st.lists(numbers(OWN), max_size=2))
    rules = draw(st.lists(conditions(numbers(OWN), "JOB", "OWNER"), max_size=2))
    beside = [Expression(f"amount {n}", sql, "money") for n, sql in enumerate(amounts)]
    return book, some_names, beside + [Expression(f"rule {n}", sql, "rule") for n, sql in enumerate(rules)]


@given(asked(), books())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_asking_for_less_or_for_more_beside_changes_no_bit(
    asked: tuple[Portfolio, list[str], list[Expression]], tables: dict[str, pl.DataFrame]
) -> None:
    (book, names, beside), contract = asked, infer_contract(asked[0], tables)
    whole = FeatureEngine(book, compile_features(book, contract)).compute(tables)
    made = FeatureEngine(book, compile_features(book, contract, beside, names)).compute_all(tables)
    assert made.features.columns == [name for name in whole.columns if name in names]
    assert bits(made.features) == bits(whole.select(made.features.columns))
    assert made.extra.columns == [expression.entry for expression in beside]
    assert bits(made.extra) == bits(run(as_features(book, beside), tables).select(made.extra.columns))


def as_features(book: Portfolio, beside: list[Expression]) -> Portfolio:
    """The same book with other features: what stood beside the matrix."""
    parts = ", ".join([f'({each.sql}) AS "{each.entry}"' for each in beside] or ["AGE"])
    sql = f"SELECT {parts} FROM application".encode()
    return portfolio_from_files({**book.files, "features/application.sql": sql}, "other")


def bits(frame: pl.DataFrame) -> list[object]:
    """Every value down to its last bit."""
    return [repr(column.to_list()) for column in frame.get_columns()]


@given(books(), st.randoms(use_true_random=False))
def test_order_of_history_rows_does_not_matter(tables: dict[str, pl.DataFrame], random: object) -> None:
    book = portfolio(
        loan="SELECT SUM(total / 3) AS s, AVG(TERM / 7) AS m, MEDIAN(worst) AS w, COUNT(*) AS n FROM loan GROUP BY ID",
        month="SELECT SUM(DUE / 3) AS total, MAX(LATE) AS worst FROM month GROUP BY LOAN",
    )
    matrix = Matrix(book, tables)
    shuffled = dict(tables)
    for name in ("loan", "month"):
        order = list(range(tables[name].height))
        random.shuffle(order)  # type: ignore[attr-defined]
        shuffled[name] = tables[name][order] if order else tables[name]
    assert close(matrix.of(shuffled), matrix.of(tables))


def close(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return np.allclose(one, other, rtol=1e-12, atol=1e-13, equal_nan=True)


def random_book(rows: int, seed: int, key: pl.DataType) -> tuple[Portfolio, dict[str, pl.DataFrame]]:
    """Many rows of numbers whose sums round, in no order, some of them nobody's."""
    draw = np.random.default_rng(seed)
    ids = pl.Series(draw.permutation(rows)).cast(key)
    amounts = draw.normal(size=(3, 8 * rows)) * 10.0 ** draw.integers(-3, 8, 8 * rows)
    own = pl.DataFrame(
        {"ID": ids, "AMOUNT": amounts[0, :rows], "AGE": draw.integers(0, 99, rows), "BAD": draw.integers(0, 2, rows)}
    )
    held = pl.DataFrame(
        {
            "ID": pl.Series(draw.integers(-3, rows + 3, 8 * rows)).cast(key),
            "LOAN": np.arange(8 * rows),
            "X": pl.Series(amounts[1]).set(pl.Series(draw.random(8 * rows) < 0.1), None),
            "Y": amounts[2],
        }
    ).with_columns(pl.when(pl.col("LOAN") % 50 != 0).then(pl.col("ID")).alias("ID"))
    toml = """
    portfolio = { name = "book", label = { en = "Book", fr = "Livre" } }
    target = { column = "BAD", default = 1 }
    tables.application = { key = "ID" }
    tables.loan = { parent = "application", on = "ID", optional = true, orphans = "drop" }
    """
    sql = "WITH l AS (SELECT *, X / 7 AS z, CASE WHEN Y > 0 THEN 49 ELSE 7 END AS k FROM loan) SELECT " + ", ".join(
        f"{call} AS f{number}"
        for number, call in enumerate(
            f"{name}({column}) {where}"
            for name in ("SUM", "AVG", "STDDEV_SAMP", "VAR_SAMP", "MEDIAN", "MAX", "COUNT")
            for column in ("X", "z", "X / k", "X * Y")
            for where in ("", "FILTER (WHERE Y > 0)", "FILTER (WHERE Y > -1e9)")
        )
    )
    root = "SELECT *, f0 / 49 AS a, AMOUNT / 365.25 AS b, LN(ABS(f1)) AS c, POWER(ABS(f1), 0.3) AS d FROM application"
    return portfolio(toml, application=root, loan=f"{sql} FROM l GROUP BY ID"), {"application": own, "loan": held}


@pytest.mark.parametrize("key", [pl.Int64(), pl.String(), pl.Float64()], ids=str)
def test_one_by_one_is_bit_for_bit_the_batch_whatever_the_key(key: pl.DataType) -> None:
    book, tables = random_book(300, seed=1, key=key)
    matrix = Matrix(book, tables)
    whole = matrix.of(tables)
    assert np.isfinite(whole).mean() > 0.9
    order = list(np.random.default_rng(2).permutation(len(whole)))
    assert matrix.of(some(book, tables, order)).tobytes() == whole[order].tobytes()
    assert matrix.of(some(book, tables, order[:97])).tobytes() == whole[order[:97]].tobytes()
    for row in order[:60]:
        assert matrix.of(some(book, tables, [row])).tobytes() == whole[[row]].tobytes()


def test_parts_in_memory_change_no_bit() -> None:
    book, tables = random_book(200, seed=3, key=pl.Int64())
    parts = {
        name: pl.concat([frame[start : start + 31] for start in range(0, frame.height, 31)], rechunk=False)
        for name, frame in tables.items()
    }
    assert parts["loan"].n_chunks() > 1
    matrix = Matrix(book, tables)
    assert matrix.of(parts).tobytes() == matrix.of(tables).tobytes()


REAL = {
    "home_credit": "home_credit/clients_100",
    "uci_credit_card": "uci_default_credit_card",
    "south_german_credit": "south_german_credit",
}


def real(name: str, folder: Path) -> tuple[Portfolio, Tables, Mapping[str, pl.DataFrame]]:
    """Checked tables and raw ones, of at most a few hundred applications."""
    book = load_portfolio(name)
    data = open_data(book, folder / REAL[name])
    tables = load_tables(data, "train").tables
    tables = restrict(book, tables, pl.Series(range(min(400, tables["application"].height))))
    raw = {table: pl.read_parquet(source) for table in book.tables if (source := data.find(table, "train"))}
    return book, tables, {**raw, "application": raw["application"].head(400)}


@pytest.mark.real
@pytest.mark.parametrize("name", shipped_portfolios())
def test_shipped_features_on_real_data_are_those_of_duckdb(name: str, real_data: Path) -> None:
    book, tables, raw = real(name, real_data)
    assert oracle.differences(run(book, tables), oracle.duckdb_features(book, raw), oracle.exact_features(book)) == []


@pytest.mark.real
@pytest.mark.parametrize("name", shipped_portfolios())
def test_shipped_features_on_real_data_depend_on_one_application_alone(name: str, real_data: Path) -> None:
    book, tables, _ = real(name, real_data)
    matrix = Matrix(book, tables)
    whole = matrix.of(tables)
    draw = np.random.default_rng(0)
    order = list(draw.permutation(len(whole)))
    assert matrix.of(some(book, tables, order)).tobytes() == whole[order].tobytes()
    for row in order[:40]:
        assert matrix.of(some(book, tables, [row])).tobytes() == whole[[row]].tobytes()
    shuffled = {
        table: frame if table == "application" else frame[list(draw.permutation(frame.height))]
        for table, frame in tables.items()
    }
    assert close(matrix.of(shuffled), whole)


@pytest.mark.real
@pytest.mark.parametrize("name", shipped_portfolios())
def test_programs_give_the_bits_of_queries_on_real_data(name: str, real_data: Path) -> None:
    book, tables, _ = real(name, real_data)
    assert engines_agree(book, tables)
    for row in range(0, tables[book.root].height, 8):
        assert engines_agree(book, some(book, tables, [row]))


def test_the_star_is_tested_with_a_book_that_has_one() -> None:
    assert "*" in APPLICATION
