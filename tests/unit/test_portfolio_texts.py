"""What people read of the shipped portfolios: every column and feature has a name in English and in French."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlglot
from sqlglot import exp

PORTFOLIOS = ("home_credit", "south_german_credit", "uci_credit_card")
ROOT_FILES = {
    "home_credit": "home_credit/clients_100/application_train.parquet",
    "south_german_credit": "south_german_credit/south_german_credit.parquet",
    "uci_credit_card": "uci_default_credit_card/default_of_credit_card_clients.parquet",
}
ROOT_COLUMNS = {"home_credit": 122, "south_german_credit": 21, "uci_credit_card": 25}
LONGEST = 60
LABELLED = re.compile(r"\bAS (?P<name>\w+),?\s+-- (?P<en>[^|]+) \| (?P<fr>[^|]+)$")
TARIFF = re.compile(
    r"AMT_CREDIT / (?P<ratio>[\d.]+)\) - 65\.25\) < 4\.5 THEN (?P<rate>[\d.]+)$|END AS rate_(?P<term>\d+),?$"
)
REAL_DATA = Path(os.environ.get("SCOREWRIGHT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


def declaration(portfolio: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("scorewright.portfolios") / portfolio / "portfolio.toml").read_text("utf-8"))


def feature_sql(portfolio: str) -> dict[str, str]:
    folder = resources.files("scorewright.portfolios") / portfolio / "features"
    return {entry.name.removesuffix(".sql"): entry.read_text("utf-8") for entry in folder.iterdir()}


def declared_labels(portfolio: str) -> Iterator[tuple[str, str, str]]:
    for table, spec in declaration(portfolio)["tables"].items():
        for column, label in spec.get("labels", {}).items():
            yield f"{table}.{column}", label["en"], label["fr"]


def written_labels(portfolio: str) -> Iterator[tuple[str, str, str]]:
    for table, text in feature_sql(portfolio).items():
        for line in text.splitlines():
            if found := LABELLED.search(line):
                yield f"{table}:{found['name']}", found["en"], found["fr"]


def readable(text: str) -> bool:
    return 0 < len(text.strip()) <= LONGEST


def untranslated(labels: Iterator[tuple[str, str, str]]) -> list[str]:
    """Name what lacks a label, has one too long to show, or the same in both languages."""
    return [name for name, en, fr in labels if not (readable(en) and readable(fr) and en != fr)]


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_labels_are_there_short_and_translated(portfolio: str) -> None:
    assert untranslated(declared_labels(portfolio)) == []
    assert untranslated(written_labels(portfolio)) == []


def test_an_untranslated_label_is_found() -> None:
    labels = [("a", "Age", "Âge"), ("b", "", "Âge"), ("c", "Age", " "), ("d", "Age", "Age"), ("e", "x" * 61, "y")]
    assert untranslated(iter(labels)) == ["b", "c", "d", "e"]


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_no_two_columns_of_a_table_share_a_label(portfolio: str) -> None:
    for table, spec in declaration(portfolio)["tables"].items():
        for language in ("en", "fr"):
            texts = [label[language] for label in spec.get("labels", {}).values()]
            assert len(texts) == len(set(texts)), (table, language)


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_every_feature_has_a_label(portfolio: str) -> None:
    written = {name for name, _, _ in written_labels(portfolio)}
    declared = {name for name, _, _ in declared_labels(portfolio)}
    for table, text in feature_sql(portfolio).items():
        outputs = [p.alias_or_name for p in sqlglot.parse_one(text, dialect="duckdb").expressions]
        assert [n for n in outputs if f"{table}:{n}" not in written and f"{table}.{n}" not in declared] == []


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_every_raw_column_that_feeds_a_feature_has_a_label(portfolio: str) -> None:
    labels = {name for name, _, _ in declared_labels(portfolio)}
    derived = {name.split(":")[1] for name, _, _ in written_labels(portfolio)}
    keys = {spec.get("on") for spec in declaration(portfolio)["tables"].values()}
    for table, text in feature_sql(portfolio).items():
        tree = sqlglot.parse_one(text, dialect="duckdb")
        known = derived | keys | {alias.alias for alias in tree.find_all(exp.Alias)}
        used = {column.name for column in tree.find_all(exp.Column)}
        assert sorted(c for c in used if c not in known and f"{table}.{c}" not in labels) == []


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_the_root_has_as_many_labels_as_columns(portfolio: str) -> None:
    assert len(declaration(portfolio)["tables"]["application"]["labels"]) == ROOT_COLUMNS[portfolio]


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_every_raw_root_column_has_a_label(portfolio: str) -> None:
    file = REAL_DATA / ROOT_FILES[portfolio]
    if not file.is_file():
        pytest.skip(f"real data absent: {file.parent}")
    assert set(pl.read_parquet_schema(file)) == set(declaration(portfolio)["tables"]["application"]["labels"])


def tariffs() -> Iterator[tuple[int, float, float]]:
    """Term in months, yearly rate in per cent, and credit to instalment, as application.sql lists them."""
    pending: list[tuple[float, float]] = []
    for line in feature_sql("home_credit")["application"].splitlines():
        if found := TARIFF.search(line):
            if found["term"] is None:
                pending.append((float(found["rate"]), float(found["ratio"])))
            else:
                yield from ((int(found["term"]), rate, ratio) for rate, ratio in pending)
                pending.clear()


def test_a_tariff_is_the_present_value_of_its_instalments() -> None:
    """Rates are stated to a tenth of a per cent, credit to instalment to four decimals."""
    for term, rate, ratio in tariffs():
        value = sum((1 + rate / 1200) ** -month for month in range(1, term + 1))
        assert ratio == pytest.approx(value, rel=1.5e-3), (term, rate)


def test_the_tariffs_are_many_and_each_is_listed_once() -> None:
    listed = list(tariffs())
    assert len({term for term, _, _ in listed}) == 6
    assert len(listed) == len({ratio for _, _, ratio in listed}) == len({(term, rate) for term, rate, _ in listed}) > 60
    # Within a term, a lower rate buys more credit for the same instalment.
    assert listed == sorted(listed, key=lambda each: (each[0], each[2]))


@pytest.mark.parametrize("portfolio", PORTFOLIOS)
def test_no_two_features_share_a_label(portfolio: str) -> None:
    root = set(feature_sql(portfolio)) - {"bureau_balance"}
    features = [each for each in written_labels(portfolio) if each[0].split(":")[0] in root]
    for language in (1, 2):
        texts = [each[language].strip() for each in features]
        assert sorted({text for text in texts if texts.count(text) > 1}) == []


def test_the_home_credit_catalogue_is_broad() -> None:
    amounts = {
        table: len(sqlglot.parse_one(text, dialect="duckdb").expressions)
        for table, text in feature_sql("home_credit").items()
        if table != "bureau_balance"
    }
    assert 300 <= sum(amounts.values()) <= 500
    assert min(amounts.values()) >= 25
