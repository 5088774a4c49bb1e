"""The rounded public shapes that the sample follows: column types, quantiles, shares of categories and of blanks.

Kept as JSON beside the code. They describe the population in round numbers and hold no row of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl

from scorewright.tables.sample.draws import Floats, normal_cdf
from scorewright.tables.sample.settings import Part

_TYPES: Mapping[str, pl.DataType] = {"int": pl.Int32(), "float": pl.Float64(), "text": pl.String(), "date": pl.Date()}
_RARE = 0.001


@cache
def _read(name: str) -> Any:
    return json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


@cache
def columns(table: str) -> Mapping[str, pl.DataType]:
    """Official columns of a table, in order, with the type they have here."""
    runs = _read("columns.json")[table]
    return {name: _TYPES[kind] for kind, names in runs for name in names.split()}


def quantile(column: str, score: Floats) -> Floats:
    """Bring standard normal scores to the distribution of a numeric column."""
    return along(_read("marginals.json")["quantiles"][column], score)


def along(quantiles: list[float], score: Floats) -> Floats:
    """Bring standard normal scores to a distribution given by its quantiles at the common levels."""
    return np.asarray(np.interp(normal_cdf(score), _read("marginals.json")["levels"], quantiles), dtype=np.float64)


def missing(column: str) -> float:
    """Share of blanks in a column."""
    return float(_read("marginals.json")["missing"][column])


def housing() -> Mapping[str, Mapping[str, Any]]:
    """Share of blanks and quantiles of each measure of a building."""
    found: Mapping[str, Mapping[str, Any]] = _read("marginals.json")["housing"]
    return found


def documents() -> Mapping[str, float]:
    """Share of applications that hand in each of the rarer documents."""
    found: Mapping[str, float] = _read("marginals.json")["documents"]
    return found


def shares(table: str, column: str, part: Part = "train") -> Mapping[str, float]:
    """Shares of a column's categories.

    The unlabelled part leaves out the rarest ones, so that a model trained on the labelled part of a sample of
    ordinary size has seen every category it is asked to score.
    """
    found: Mapping[str, float] = _read("categories.json")[table][column]
    return found if part == "train" else {label: share for label, share in found.items() if share > _RARE}


def frame(table: str, values: Mapping[str, Any]) -> pl.DataFrame:
    """Bring computed columns to the official order and types; NaN becomes null."""
    return pl.DataFrame([_column(name, values[name], kind) for name, kind in columns(table).items() if name in values])


def _column(name: str, values: Any, kind: pl.DataType) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.alias(name)
    return pl.Series(name, values, nan_to_null=True).cast(kind)
