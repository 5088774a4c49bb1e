"""Which way each feature goes with a raw column that may only raise, or only lower, the PD.

A portfolio declares ``[tables.application.monotone]`` for raw columns; models are constrained per feature. What lies
between is looked at: the column is swept over its observed values in a sample of real applications, everything else
held as it is, and each feature is followed. This is evidence on observed ranges, not proof: SQL could do something else
between two observed values, or for an application that the sample does not hold. Therefore the sealed model is swept as
a whole, too (`sweep_violations`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.errors import PortfolioError
from scorewright.features.engine import FeatureEngine
from scorewright.features.plan import CompiledFeatures, Projection, only_needed
from scorewright.tables.lending import Sense
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import Tables

Direction = Literal["unaffected", "non-decreasing", "non-increasing", "mixed"]
Sign = Literal[-1, 0, 1]

_SIGNS: Mapping[Direction, Sign] = {"unaffected": 0, "non-decreasing": 1, "non-increasing": -1}

#: Applications and values of a sweep, at most.
APPLICATIONS = 400
VALUES = 25

#: Differences that rounding explains, relative to the values.
_ROUNDING = 1e-9


def swept(portfolio: Portfolio, tables: Tables, column: str) -> tuple[Tables, int, int]:
    """Repeat a sample of applications with a raw column set to each of its observed values.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Checked tables, as many applications as there are.
    column : str
        Raw column of the root: numbers or booleans.

    Returns
    -------
    tables, n, v
        Tables whose root has n * v rows: the n applications with the lowest value, then with the next. Values are
        quantiles of those observed; an empty one is none. Histories are the same.

    Raises
    ------
    PortfolioError
        The column is not there, or has no order.
    """
    root = tables[portfolio.root]
    values = _observed(root, column)
    rows = np.unique(np.linspace(0, root.height - 1, min(root.height, APPLICATIONS)).round().astype(np.int64))
    sample = root[pl.Series(rows)]
    repeated = pl.concat([sample] * len(values)) if len(values) else root.clear()
    filled = values.gather(np.repeat(np.arange(len(values)), sample.height))
    return {**tables, portfolio.root: repeated.with_columns(filled.alias(column))}, sample.height, len(values)


def _observed(root: pl.DataFrame, column: str) -> pl.Series:
    """Quantiles of a column's values, ascending, each once, as they were observed."""
    if column not in root.columns or not (root.schema[column].is_numeric() or root.schema[column] == pl.Boolean()):
        found = f"is {root.schema[column]}" if column in root.columns else "is not there"
        raise PortfolioError(
            "A column declared in tables.application.monotone holds numbers or booleans.",
            f"{column} {found}",
            "Correct its name, declare its type, or take it out of the section.",
        )
    values = root[column].drop_nulls().sort()
    if values.is_empty():
        return values
    places = np.linspace(0, len(values) - 1, min(len(values), VALUES)).round().astype(np.int64)
    return values.gather(places).unique().sort()


def feature_directions(
    portfolio: Portfolio, compiled: CompiledFeatures, tables: Tables, column: str
) -> dict[str, Direction]:
    """Say of each feature of the matrix which way it goes when a raw column of the root rises.

    A feature that is missing for some values of the column and present for others is mixed: no constraint on it says
    anything of the step between the two. So is text that changes.

    Raises
    ------
    PortfolioError
        The column is not there, or has no order.
    """
    affected = [p for p in compiled.features if f"{portfolio.root}.{column}" in p.sources]
    directions: dict[str, Direction] = {p.name: "unaffected" for p in compiled.features}
    sweep, applications, values = swept(portfolio, tables, column)
    if affected and values:
        names = [p.name for p in affected]
        engine = FeatureEngine(portfolio, only_needed(portfolio, compiled, names))
        features = engine.compute(sweep)
        for projection in affected:
            paths = _paths(features[projection.name], projection).reshape(values, applications)
            directions[projection.name] = _direction(paths, text=projection.kind == "text")
    return directions


def _paths(column: pl.Series, projection: Projection) -> NDArray[np.float64]:
    """Values as numbers, NaN where the matrix has none; text by its position in the alphabet."""
    if projection.kind == "text":
        column = column.rank("dense")
    numbers = column.cast(pl.Float64).to_numpy()
    finite: NDArray[np.float64] = np.where(np.isfinite(numbers), numbers, np.nan)
    return finite


def _direction(paths: NDArray[np.float64], *, text: bool) -> Direction:
    """Follow each application, a column of `paths`, from the lowest value of the swept column to the highest."""
    gone = np.isnan(paths)
    if bool((gone.any(axis=0) & ~gone.all(axis=0)).any()):
        return "mixed"
    before, after = paths[:-1], paths[1:]
    margin = _ROUNDING * np.maximum(np.abs(before), np.abs(after))
    rises, falls = bool((after - before > margin).any()), bool((before - after > margin).any())
    if (rises and falls) or (text and (rises or falls)):
        return "mixed"
    return "non-decreasing" if rises else "non-increasing" if falls else "unaffected"


def learn_monotone(portfolio: Portfolio, compiled: CompiledFeatures, tables: Tables) -> dict[str, Sign]:
    """Turn what the portfolio declares of raw columns into what holds for features.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Checked training tables.

    Returns
    -------
    dict of str to {-1, 1}
        1 where a higher value of the feature may only raise the PD, -1 where it may only lower it. Features that no
        declared column moves are not in it.

    Raises
    ------
    PortfolioError
        A feature rises and falls with a declared column, or two declared columns want opposite things of it.
    """
    wanted: dict[str, dict[str, Sign]] = {}
    for column, sense in portfolio.tables[portfolio.root].monotone.items():
        directions = feature_directions(portfolio, compiled, tables, column)
        _refuse_mixed(portfolio, column, [name for name, found in directions.items() if found == "mixed"])
        for name, found in directions.items():
            if found in _SIGNS and found != "unaffected":
                wanted.setdefault(name, {})[column] = _signed(sense, _SIGNS[found])
    return {name: _agreed(portfolio, name, signs) for name, signs in wanted.items()}


def _signed(sense: Sense, sign: Sign) -> Sign:
    return sign if sense == "increasing" else 1 if sign == -1 else -1


def _refuse_mixed(portfolio: Portfolio, column: str, mixed: list[str]) -> None:
    if mixed:
        more = f" and {len(mixed) - 10} more" if len(mixed) > 10 else ""
        raise PortfolioError(
            f"Where {column} is declared in tables.{portfolio.root}.monotone, each feature must rise with it, or fall "
            "with it, or not move.",
            f"{', '.join(mixed[:10])}{more}: up and down, or missing for some values of {column} only",
            f"Leave the feature out of features/{portfolio.root}.sql, or {column} undeclared.",
        )


def _agreed(portfolio: Portfolio, name: str, signs: Mapping[str, Sign]) -> Sign:
    if len(set(signs.values())) > 1:
        raise PortfolioError(
            f"Columns declared in tables.{portfolio.root}.monotone must want the same of a feature.",
            f"{name} would raise the PD by one and lower it by another of {', '.join(signs)}",
            f"Leave the feature out of features/{portfolio.root}.sql, or one of the columns undeclared.",
        )
    return next(iter(signs.values()))


@dataclass(frozen=True)
class Sweep:
    """How a whole scorer behaved when a raw column was swept.

    Parameters
    ----------
    column : str
        The raw column.
    violation : float
        Largest step of the score against the declared sense between two neighbouring values; 0 where there is none.
    applications, values : int
        How many applications were swept over how many values.
    """

    column: str
    violation: float
    applications: int
    values: int


def sweep_violations(
    score: Callable[[Tables], NDArray[np.float64]], portfolio: Portfolio, tables: Tables, column: str, sense: Sense
) -> Sweep:
    """Sweep a raw column through a whole scorer: tables in, one score per application out.

    The same sweep that decides the directions of features, so evidence of the same kind, but of all that was sealed:
    SQL, model and calibration together.

    Parameters
    ----------
    score : callable
        Tables with n applications to scores, shape (n,), such as PDs: higher is worse.
    tables : mapping of str to DataFrame
        Checked tables of real applications, better others than those of training.
    sense : {"increasing", "decreasing"}
        What a higher value of the column may only do to the score.

    Raises
    ------
    PortfolioError
        The column is not there, or has no order.
    """
    sweep, applications, values = swept(portfolio, tables, column)
    if values < 2:
        return Sweep(column, 0.0, applications, values)
    steps = np.diff(score(sweep).reshape(values, applications), axis=0)
    against = -steps if sense == "increasing" else steps
    return Sweep(column, max(0.0, float(against.max())), applications, values)
