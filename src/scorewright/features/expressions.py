"""SQL over the application that feeds no model: money, hard rules and segments, computed beside the matrix."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.errors import PortfolioError
from scorewright.features.few import BESIDE, ComputedFew
from scorewright.features.rewriting import Kind
from scorewright.tables.portfolio import Portfolio

Use = Literal["money", "rule", "segment"]

#: A report by more parts than this is read by nobody, and its parts begin to point at persons.
MOST_PARTS = 20

#: Types that each use takes. ``null``: a column without any value.
KINDS: Mapping[Use, frozenset[Kind]] = {
    "money": frozenset({"integer", "number", "null"}),
    "rule": frozenset({"boolean", "null"}),
    "segment": frozenset({"text", "integer", "number", "boolean", "null"}),
}
WANTED: Mapping[Use, str] = {
    "money": "An amount is a number.",
    "rule": "A rule is true or false.",
    "segment": "A segment is text, a number or a boolean.",
}


@dataclass(frozen=True)
class Expression:
    """SQL over one application.

    It may name raw columns of the root and features of its histories, but neither the target nor a ``never`` column;
    a segment may name ``never`` columns that are protected, for it is only reported by.

    Parameters
    ----------
    entry : str
        Where it stands in ``portfolio.toml``, such as ``"money.exposure"``; also the name of its column.
    sql : str
        The expression.
    use : {"money", "rule", "segment"}
        What it is for, which says what type it must have.
    """

    entry: str
    sql: str
    use: Use


def portfolio_expressions(
    portfolio: Portfolio, uses: Collection[Use] = ("money", "rule", "segment")
) -> tuple[Expression, ...]:
    """Expressions that a portfolio states, for some uses.

    Scoring needs money and rules; a report needs segments besides.
    """
    money = portfolio.money
    stated = [
        *([Expression(_EXPOSURE, money.exposure, "money")] if money else []),
        *([Expression(_ANNUITY, money.annuity, "money")] if money and money.annuity is not None else []),
        *(Expression(_rule_entry(rule.name), rule.when, "rule") for rule in portfolio.policy.rules),
        *(Expression(_segment_entry(each.name), each.value, "segment") for each in portfolio.segments),
    ]
    return tuple(expression for expression in stated if expression.use in uses)


_EXPOSURE, _ANNUITY = "money.exposure", "money.annuity"


def _rule_entry(name: str) -> str:
    return f"policy.rules.{name}.when"


def _segment_entry(name: str) -> str:
    return f"segments.{name}.value"


@dataclass(frozen=True)
class Particulars:
    """What is known of n applications beside their features.

    Parameters
    ----------
    exposure : ndarray of float64, shape (n,), or None
        Amount at risk, NaN where it is not known; None where it was not computed.
    annuity : ndarray of float64, shape (n,), or None
        Instalment per month, NaN where it is not known; None where none is stated.
    rules : mapping of str to ndarray of bool, shape (n,)
        Whether each hard rule applies, by its name, in the order of declaration. Null does not trigger.
    segments : mapping of str to Series of String, length n
        Part that each application belongs to, by the segment's name; null where there is none.
    """

    exposure: NDArray[np.float64] | None
    annuity: NDArray[np.float64] | None
    rules: Mapping[str, NDArray[np.bool_]]
    segments: Mapping[str, pl.Series]


def particulars(portfolio: Portfolio, extra: pl.DataFrame | ComputedFew) -> Particulars:
    """Read what was computed beside the matrix.

    Parameters
    ----------
    extra : DataFrame, n rows, or ComputedFew
        One column per expression that was compiled, named for its entry (`scorewright.features.engine.Computed`), or
        all that was computed of few applications, which is read faster.

    Raises
    ------
    PortfolioError
        A segment has too many parts.
    """
    rules = {rule.name: _rule_entry(rule.name) for rule in portfolio.policy.rules}
    segments = {each.name: _segment_entry(each.name) for each in portfolio.segments}
    made = extra.beside if isinstance(extra, ComputedFew) else extra.columns
    return Particulars(
        exposure=_amounts(extra, _EXPOSURE) if _EXPOSURE in made else None,
        annuity=_amounts(extra, _ANNUITY) if _ANNUITY in made else None,
        rules={name: _flags(extra, entry) for name, entry in rules.items() if entry in made},
        segments={name: _parts(_series(extra, entry)) for name, entry in segments.items() if entry in made},
    )


def _amounts(extra: pl.DataFrame | ComputedFew, entry: str) -> NDArray[np.float64]:
    if isinstance(extra, ComputedFew):
        amounts = np.array(extra.listed(BESIDE + entry), dtype=np.float64)  # None becomes NaN
    else:
        amounts = extra[entry].cast(pl.Float64).to_numpy()
    known: NDArray[np.float64] = np.where(np.isfinite(amounts), amounts, np.nan)
    return known


def _flags(extra: pl.DataFrame | ComputedFew, entry: str) -> NDArray[np.bool_]:
    if isinstance(extra, ComputedFew):
        return np.array(list(map(bool, extra.listed(BESIDE + entry))), dtype=np.bool_)
    return extra[entry].cast(pl.Boolean).fill_null(value=False).to_numpy()


def _series(extra: pl.DataFrame | ComputedFew, entry: str) -> pl.Series:
    return (extra.extra if isinstance(extra, ComputedFew) else extra)[entry]


def _parts(column: pl.Series) -> pl.Series:
    parts = column.cast(pl.String)
    if parts.n_unique() > MOST_PARTS:
        raise PortfolioError(
            f"A segment has at most {MOST_PARTS} parts.",
            f"{parts.n_unique()} in {column.name} of portfolio.toml",
            "Group the values with CASE.",
        )
    return parts
