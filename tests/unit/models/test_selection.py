from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from scorewright.domain.evaluation import Dropped
from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.models.selection import Selection, select_features, stable_selection

ROWS = 2_000


@pytest.fixture(scope="module")
def draw() -> np.random.Generator:
    return np.random.default_rng(3)


def matrix_of(**columns: np.ndarray) -> FeatureMatrix:
    names = tuple(FeatureColumn(name, "numeric", Label(name, name), (f"application.{name}",)) for name in columns)
    values = np.ascontiguousarray(np.column_stack(list(columns.values())).astype(np.float64))
    return FeatureMatrix(pl.Series("id", range(len(values))), names, values)


def signal_and_target(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    signal = draw.normal(size=ROWS)
    target = (draw.random(ROWS) < 1 / (1 + np.exp(1.5 - 1.5 * signal))).astype(np.int8)
    return signal, target


def kept_names(matrix: FeatureMatrix, selection: Selection) -> set[str]:
    return {matrix.columns[position].name for position in selection.kept}


def test_signals_stay_and_most_noise_goes(draw: np.random.Generator) -> None:
    signal, target = signal_and_target(draw)
    noise = {f"noise_{number}": draw.normal(size=ROWS) for number in range(20)}
    matrix = matrix_of(signal=signal, **noise)
    selection = select_features(matrix, target, seed=1)
    assert "signal" in kept_names(matrix, selection)
    # A shadow beats a feature that knows nothing as often as not, and has to do so twice.
    assert len(selection.dropped) >= 2
    assert len(selection.kept) + len(selection.dropped) == len(matrix.columns)


def test_what_is_constant_or_never_known_goes_with_its_reason(draw: np.random.Generator) -> None:
    signal, target = signal_and_target(draw)
    matrix = matrix_of(signal=signal, constant=np.full(ROWS, 4.0), empty=np.full(ROWS, np.nan))
    reasons = {dropped.feature: dropped.reason for dropped in select_features(matrix, target, seed=1).dropped}
    assert reasons == {"constant": "it has one value only", "empty": "it is never known"}


def test_a_value_that_is_there_or_not_is_no_constant(draw: np.random.Generator) -> None:
    signal, target = signal_and_target(draw)
    matrix = matrix_of(flag=np.where(signal > 0, 1.0, np.nan), other=draw.normal(size=ROWS))
    assert "flag" in kept_names(matrix, select_features(matrix, target, seed=1))


def test_a_twin_goes_and_names_the_feature_it_repeats(draw: np.random.Generator) -> None:
    signal, target = signal_and_target(draw)
    matrix = matrix_of(signal=signal, twin=3.0 - 2.0 * signal, cousin=signal + draw.normal(size=ROWS))
    selection = select_features(matrix, target, seed=1)
    assert Dropped("twin", "it says what signal says") in selection.dropped
    assert {"signal", "cousin"} <= kept_names(matrix, selection)


def test_other_gaps_make_no_twin(draw: np.random.Generator) -> None:
    signal, target = signal_and_target(draw)
    matrix = matrix_of(signal=signal, gappy=np.where(target == 1, np.nan, signal))
    assert kept_names(matrix, select_features(matrix, target, seed=1)) == {"signal", "gappy"}


def test_something_is_always_kept() -> None:
    target = np.array([0, 1] * 50, dtype=np.int8)
    selection = select_features(matrix_of(only=np.ones(100)), target, seed=1)
    assert selection.kept.tolist() == [0]
    assert selection.dropped == ()


def test_the_same_seed_gives_the_same_selection(draw: np.random.Generator) -> None:
    signal, target = signal_and_target(draw)
    matrix = matrix_of(signal=signal, **{f"noise_{number}": draw.normal(size=ROWS) for number in range(8)})
    first, second = (select_features(matrix, target, seed=5) for _ in range(2))
    assert first.kept.tolist() == second.kept.tolist()
    assert first.dropped == second.dropped


def test_most_folds_decide() -> None:
    folds = [
        Selection(np.array([0, 1]), (Dropped("c", "noise"),)),
        Selection(np.array([0, 2]), (Dropped("b", "noise"),)),
        Selection(np.array([0]), (Dropped("b", "noise"), Dropped("c", "twin"))),
    ]
    stable = stable_selection(folds, ("a", "b", "c"))
    assert stable.kept.tolist() == [0]
    assert stable.dropped == (
        Dropped("b", "noise (left out in 2 of 3 folds)"),
        Dropped("c", "noise (left out in 2 of 3 folds)"),
    )


def test_where_folds_agree_on_nothing_the_most_wanted_feature_stays() -> None:
    folds = [Selection(np.array([at]), ()) for at in (1, 1, 2, 0, 3)]
    with_reasons = [Selection(fold.kept, tuple(Dropped(n, "noise") for n in "abcd")) for fold in folds]
    assert stable_selection(with_reasons, tuple("abcd")).kept.tolist() == [1]
