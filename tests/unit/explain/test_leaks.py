from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.explain.leaks import SeparationWarning, separation_warnings

LABEL = Label("Label", "Libellé")
ROWS = 4000
RNG = np.random.default_rng(0)
TARGET = (RNG.random(ROWS) < 0.08).astype(np.int8)
NOISE = RNG.normal(0, 1, ROWS)


def found(
    *features: tuple[str, tuple[str, ...], NDArray[np.float64]], target: NDArray[np.int8] = TARGET
) -> list[SeparationWarning]:
    columns = tuple(FeatureColumn(name, "numeric", LABEL, sources) for name, sources, _ in features)
    return warned(columns, np.column_stack([values for _, _, values in features]), target)


def found_category(positions: NDArray[np.float64], categories: int) -> list[SeparationWarning]:
    names = tuple(f"{number:05d}" for number in range(categories))
    return warned((FeatureColumn("code", "category", LABEL, ("application.CODE",), names),), positions[:, None], TARGET)


def warned(
    columns: tuple[FeatureColumn, ...], values: NDArray[np.float64], target: NDArray[np.int8]
) -> list[SeparationWarning]:
    matrix = FeatureMatrix(pl.Series("key", range(len(target))), columns, values)
    return list(separation_warnings(matrix, target))


def test_noise_and_an_honest_score_raise_no_warning() -> None:
    honest = NOISE + 1.2 * TARGET
    assert roc_auc_score(TARGET, honest) > 0.75
    assert found(("noise", ("application.A",), NOISE), ("honest", ("application.B",), honest)) == []


def test_a_column_that_knows_the_outcome_is_named() -> None:
    (warning,) = found(("noise", ("application.A",), NOISE), ("leak", ("bureau.LOSS",), NOISE + 6 * TARGET))
    assert (warning.columns, warning.features) == (("bureau.LOSS",), ("leak",))
    assert warning.auc == pytest.approx(roc_auc_score(TARGET, NOISE + 6 * TARGET), abs=0.02)


def test_a_column_filled_only_for_defaults_is_named() -> None:
    (warning,) = found(("default_date", ("application.DATE",), np.where(TARGET == 1, NOISE, np.nan)))
    assert warning.auc == 1.0


def test_a_column_missing_only_for_defaults_is_named() -> None:
    assert len(found(("paid", ("application.PAID",), np.where(TARGET == 1, np.nan, NOISE)))) == 1


@pytest.mark.parametrize("raised", [0.0, 1.0])
def test_a_flag_that_knows_the_outcome_of_rare_defaults_is_named(raised: float) -> None:
    target = (np.arange(ROWS) % 100 == 0).astype(np.int8)
    assert len(found(("flag", ("t.A",), np.where(target == 1, raised, 1.0 - raised)), target=target)) == 1


def test_an_amount_that_is_zero_unless_defaulted_is_named() -> None:
    target = (np.arange(ROWS) % 50 == 0).astype(np.int8)
    assert len(found(("recovered", ("t.A",), target * np.exp(NOISE)), target=target)) == 1


def test_dependence_need_not_rise() -> None:
    middle = np.where(TARGET == 1, 0.01 * NOISE, np.sign(NOISE) * (1 + np.abs(NOISE)))
    assert 0.4 < roc_auc_score(TARGET, middle) < 0.6
    assert len(found(("middle", ("application.A",), middle))) == 1


def test_a_category_of_its_own_for_nearly_every_row_separates_nothing() -> None:
    """Learnt and judged on the same rows, such a code would separate perfectly."""
    positions = np.random.default_rng(1).permutation(ROWS) // 2
    assert found_category(positions.astype(np.float64), ROWS // 2) == []


def test_a_category_that_knows_the_outcome_is_named() -> None:
    positions = np.where(TARGET == 1, 3.0, np.random.default_rng(2).integers(0, 3, ROWS))
    assert len(found_category(positions, 4)) == 1


def test_a_ratio_with_a_leaking_column_is_explained_by_that_column() -> None:
    leak = NOISE + 6 * TARGET
    (warning,) = found(("ratio", ("application.INCOME", "bureau.LOSS"), 2 * leak), ("leak", ("bureau.LOSS",), leak))
    assert warning.columns == ("bureau.LOSS",)
    assert set(warning.features) == {"leak", "ratio"}


def test_columns_that_leak_only_together_are_named_together() -> None:
    (warning,) = found(
        ("first", ("application.A",), NOISE),
        ("second", ("application.B",), NOISE + 0.1 * TARGET),
        ("difference", ("application.A", "application.B"), TARGET + 0.0),
    )
    assert warning.columns == ("application.A", "application.B")


def test_the_worst_comes_first() -> None:
    warnings = found(("a", ("t.A",), NOISE + 3 * TARGET), ("b", ("t.B",), NOISE + 6 * TARGET))
    assert [warning.columns for warning in warnings] == [("t.B",), ("t.A",)]


def test_the_sentence_says_what_was_seen_why_it_matters_and_what_to_do() -> None:
    sentence = SeparationWarning(("bureau.LOSS",), tuple("abcdefg"), 0.98765).sentence
    assert sentence.startswith("bureau.LOSS alone separates defaults from repayments with an AUC of 0.988")
    assert "(a, b, c, d, e and 2 more)" in sentence
    assert "known only after the decision" in sentence
    assert "portfolio.toml" in sentence


def test_luck_among_few_defaults_is_no_leak() -> None:
    rng = np.random.default_rng(3)
    target = np.repeat([1, 0], [12, 88]).astype(np.int8)
    features = [(f"noise_{number}", (f"t.C{number}",), rng.normal(0, 1, 100)) for number in range(300)]
    assert found(*features, target=target) == []


@pytest.mark.parametrize("defaults", [0, 9])
def test_too_few_outcomes_say_nothing(defaults: int) -> None:
    target = np.repeat([1, 0], [defaults, 100 - defaults]).astype(np.int8)
    assert found(("leak", ("t.A",), target + 0.0), target=target) == []


def test_an_empty_feature_is_no_leak() -> None:
    assert found(("empty", ("t.A",), np.full(ROWS, np.nan))) == []


def test_the_reported_auc_is_that_of_rates_learnt_on_the_other_folds() -> None:
    """Five levels and 4,000 rows: out-of-fold rates order the levels as all rows do."""
    rng = np.random.default_rng(4)
    level = np.where(TARGET == 1, rng.integers(4, 6, ROWS), rng.integers(0, 5, ROWS)).astype(np.float64)
    matrix = FeatureMatrix(
        pl.Series("key", range(ROWS)), (FeatureColumn("level", "numeric", LABEL, ("t.A",)),), level[:, None]
    )
    (warning,) = separation_warnings(matrix, TARGET, threshold=0.6)
    rates = {value: TARGET[level == value].mean() for value in set(level)}
    assert warning.auc == pytest.approx(roc_auc_score(TARGET, [rates[value] for value in level]), abs=0.02)
