"""Gaps, order, identifiers, late columns, and one feature that carries a model."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from scorewright.domain.evaluation import Importance
from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.explain.leaks.concentration import concentration
from scorewright.explain.leaks.late import late_columns
from scorewright.explain.leaks.learnt import Learnt
from scorewright.explain.leaks.missingness import missingness
from scorewright.explain.leaks.order import POSITION, identifiers_read, order
from scorewright.explain.leaks.outcomes import outcomes

LABEL = Label("Label", "Libellé")
ROWS = 4000
RNG = np.random.default_rng(0)
TARGET = (RNG.random(ROWS) < 0.1).astype(np.int8)
NOISE = RNG.normal(0, 1, ROWS)


def columns(*named: tuple[str, tuple[str, ...]]) -> tuple[FeatureColumn, ...]:
    return tuple(FeatureColumn(name, "numeric", LABEL, sources) for name, sources in named)


def learnt(sources: tuple[str, ...], values: NDArray[np.float64], raw: pl.DataFrame | None = None) -> Learnt:
    matrix = FeatureMatrix(pl.Series("key", range(ROWS)), columns(("one", sources)), values[:, None])
    return Learnt(matrix, TARGET, pl.DataFrame() if raw is None else raw)


def empty_for(bad: float, good: float) -> NDArray[np.float64]:
    return np.where(RNG.random(ROWS) < np.where(TARGET == 1, bad, good), np.nan, NOISE)


@pytest.mark.parametrize(
    ("bad", "good", "severities"),
    [(0.3, 0.2, []), (0.6, 0.2, ["warn"]), (0.8, 0.2, ["refuse"]), (0.1, 0.9, ["refuse"]), (0.5, 0.5, [])],
)
def test_gaps_that_tell_the_outcome_are_found(bad: float, good: float, severities: list[str]) -> None:
    """The AUC of a gap is (1 + |P(gap | bad) - P(gap | good)|) / 2."""
    found = missingness(learnt(("bureau.CALLED",), empty_for(bad, good)))
    assert [finding.severity for finding in found] == severities
    for finding in found:
        assert finding.value == pytest.approx((1 + abs(bad - good)) / 2, abs=0.03)
        assert finding.columns == ("bureau.CALLED",)


def test_gaps_of_a_raw_column_are_found_where_a_feature_fills_them() -> None:
    raw = pl.DataFrame({"application.CALLED": pl.Series(empty_for(0.9, 0.1), nan_to_null=True)})
    (finding,) = missingness(learnt(("application.CALLED",), NOISE, raw))
    assert (finding.columns, finding.features) == (("application.CALLED",), ("one",))
    assert "% of the defaults" in finding.seen


def test_with_few_outcomes_gaps_say_nothing() -> None:
    matrix = FeatureMatrix(pl.Series("key", range(20)), columns(("one", ("t.A",))), np.full((20, 1), np.nan))
    assert missingness(Learnt(matrix, np.repeat([1, 0], [5, 15]))) == ()


def test_rows_sorted_by_outcome_are_found_and_never_refused() -> None:
    target = np.sort(TARGET)
    marks = pl.DataFrame({"application.ID": RNG.permutation(ROWS), POSITION: np.arange(ROWS)})
    (finding,) = order(marks, outcomes(target))
    assert (finding.columns, finding.severity) == ((POSITION,), "warn")
    assert finding.seen.startswith("The row order of the table")


@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_keys_dealt_by_outcome_are_found(kind: str) -> None:
    numbers = pl.Series(np.argsort(np.argsort(TARGET, kind="stable")))
    marks = pl.DataFrame({"application.ID": numbers if kind == "numbers" else numbers.cast(pl.String).str.zfill(6)})
    (finding,) = order(marks, outcomes(TARGET))
    assert finding.columns == ("application.ID",)


def test_a_default_rate_that_doubles_with_time_is_not_called_a_leak() -> None:
    """With a rate that rises linearly from r to 2 r, the AUC of time is one half and a ninth of one half, 0.556."""
    rising = RNG.random(ROWS) < 0.06 * (1 + np.arange(ROWS) / ROWS)
    assert order(pl.DataFrame({POSITION: np.arange(ROWS)}), outcomes(rising.astype(int))) == ()


def test_order_says_nothing_of_too_few() -> None:
    assert order(pl.DataFrame({POSITION: [1, 2]}), None) == ()


def test_an_identifier_in_a_feature_is_refused() -> None:
    features = columns(("batch", ("application.ID",)), ("income", ("application.INCOME",)))
    (finding,) = identifiers_read(features, ["application.ID", "application.PASSPORT"])
    assert (finding.severity, finding.columns, finding.features) == ("refuse", ("application.ID",), ("batch",))
    assert "--allow-leak application.ID" in finding.remedy


def test_a_late_column_is_refused_with_all_that_read_it() -> None:
    read = {"collected": ("bureau.LOSS",), "rate": ("application.INCOME", "bureau.LOSS"), "age": ("application.AGE",)}
    (finding,) = late_columns(read, ["bureau.LOSS", "bureau.OTHER"])
    assert (finding.severity, finding.features) == ("refuse", ("collected", "rate"))


def importances(*shares: float) -> tuple[Importance, ...]:
    return tuple(Importance(f"f{place}", "", share, share) for place, share in enumerate(shares))


FEATURES = columns(*((f"f{place}", (f"application.F{place}",)) for place in range(10)))


@pytest.mark.parametrize(
    ("shares", "auc", "severities"),
    [
        ((0.4, 0.3, 0.1, 0.1, 0.1), 0.95, []),
        ((0.6, 0.1, 0.1, 0.1, 0.1), 0.78, ["warn"]),
        ((0.6, 0.1, 0.1, 0.1, 0.1), 0.85, ["refuse"]),
        ((0.6, 0.2, 0.2), 0.9, []),
        ((0.7, 0.2, 0.1), 0.7, ["warn"]),
        ((1.0,), 0.9, []),
        ((0.0, 0.0), 0.5, []),
    ],
    ids=["spread", "half", "half of too good a model", "of three", "of three, most", "alone", "no model"],
)
def test_a_feature_that_carries_a_model(shares: tuple[float, ...], auc: float, severities: list[str]) -> None:
    found = concentration("lightgbm", importances(*shares), FEATURES, auc)
    assert [finding.severity for finding in found] == severities
    assert [finding.columns for finding in found] == [("application.F0",)] * len(severities)
