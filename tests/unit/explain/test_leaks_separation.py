from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from scorewright.domain.explanations import Finding
from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.explain.leaks.learnt import Learnt
from scorewright.explain.leaks.separation import separation

LABEL = Label("Label", "Libellé")
ROWS = 4000
RNG = np.random.default_rng(0)
TARGET = (RNG.random(ROWS) < 0.08).astype(np.int8)
NOISE = RNG.normal(0, 1, ROWS)


def found(
    *features: tuple[str, tuple[str, ...], NDArray[np.float64]], target: NDArray[np.int8] = TARGET
) -> list[Finding]:
    columns = tuple(FeatureColumn(name, "numeric", LABEL, sources) for name, sources, _ in features)
    return warned(columns, np.column_stack([values for _, _, values in features]), target)


def found_category(positions: NDArray[np.float64], categories: int) -> list[Finding]:
    names = tuple(f"{number:05d}" for number in range(categories))
    return warned((FeatureColumn("code", "category", LABEL, ("application.CODE",), names),), positions[:, None], TARGET)


def warned(columns: tuple[FeatureColumn, ...], values: NDArray[np.float64], target: NDArray[np.int8]) -> list[Finding]:
    matrix = FeatureMatrix(pl.Series("key", range(len(target))), columns, values)
    return list(separation(Learnt(matrix, target)))


def test_noise_and_an_honest_score_raise_no_finding() -> None:
    honest = NOISE + 1.2 * TARGET
    assert roc_auc_score(TARGET, honest) > 0.75
    assert found(("noise", ("application.A",), NOISE), ("honest", ("application.B",), honest)) == []


def test_a_column_that_knows_the_outcome_is_named() -> None:
    (finding,) = found(("noise", ("application.A",), NOISE), ("leak", ("bureau.LOSS",), NOISE + 6 * TARGET))
    assert (finding.columns, finding.features) == (("bureau.LOSS",), ("leak",))
    assert finding.value == pytest.approx(roc_auc_score(TARGET, NOISE + 6 * TARGET), abs=0.02)


def test_a_column_filled_only_for_defaults_is_named() -> None:
    (finding,) = found(("default_date", ("application.DATE",), np.where(TARGET == 1, NOISE, np.nan)))
    assert finding.value == 1.0


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
    (finding,) = found(("ratio", ("application.INCOME", "bureau.LOSS"), 2 * leak), ("leak", ("bureau.LOSS",), leak))
    assert finding.columns == ("bureau.LOSS",)
    assert set(finding.features) == {"leak", "ratio"}


def test_columns_that_leak_only_together_are_named_together() -> None:
    (finding,) = found(
        ("first", ("application.A",), NOISE),
        ("second", ("application.B",), NOISE + 0.1 * TARGET),
        ("difference", ("application.A", "application.B"), TARGET + 0.0),
    )
    assert finding.columns == ("application.A", "application.B")


def test_the_worst_comes_first() -> None:
    findings = found(("a", ("t.A",), NOISE + 3 * TARGET), ("b", ("t.B",), NOISE + 6 * TARGET))
    assert [finding.columns for finding in findings] == [("t.B",), ("t.A",)]


def test_a_finding_says_what_was_seen_why_it_matters_and_what_to_do() -> None:
    leak = TARGET + 0.0
    features = [(name, ("bureau.LOSS ON DATE",), leak) for name in "abcdefg"]
    (finding,) = found(*features)
    assert finding.seen == (
        "bureau.LOSS ON DATE alone separates defaults from repayments with an AUC of 1.000 (a, b, c, d, e and 2 more)."
    )
    assert "known only after the decision" in finding.why
    assert "known_after" in finding.remedy
    assert "--allow-leak 'bureau.LOSS ON DATE' --leak-reason TEXT" in finding.remedy
    assert finding.sentence == f"{finding.seen} {finding.why} {finding.remedy}"


@pytest.mark.parametrize(
    ("apart", "severities"), [(1.1, []), (1.3, ["warn"]), (1.6, ["refuse"])], ids=["0.78", "0.82", "0.87"]
)
def test_the_better_it_separates_the_graver(apart: float, severities: list[str]) -> None:
    """Two normal distributions d apart have the AUC Phi(d / sqrt 2)."""
    target = np.repeat(TARGET, 10)
    values = np.random.default_rng(5).normal(0, 1, target.size) + apart * target
    assert [finding.severity for finding in found(("one", ("t.A",), values), target=target)] == severities


def test_a_raw_column_leaks_through_a_feature_that_hardly_shows_it() -> None:
    columns = (FeatureColumn("rounded", "numeric", LABEL, ("application.LOSS", "application.DAY")),)
    matrix = FeatureMatrix(pl.Series("key", range(ROWS)), columns, NOISE[:, None])
    raw = pl.DataFrame({"application.LOSS": NOISE + 6 * TARGET, "application.DAY": NOISE})
    (finding,) = separation(Learnt(matrix, TARGET, raw))
    assert (finding.columns, finding.features) == (("application.LOSS",), ("rounded",))


@pytest.mark.parametrize(
    "written",
    [
        pl.Series(np.where(TARGET == 1, "late", "paid")),
        pl.Series(TARGET == 1),
        pl.Series(np.datetime64("2024-01-01") + TARGET.astype("timedelta64[D]")).cast(pl.Date),
        pl.Series(np.where(TARGET == 1, None, "x")),
    ],
    ids=["text", "flag", "day", "gap"],
)
def test_raw_columns_of_every_type_are_looked_at(written: pl.Series) -> None:
    columns = (FeatureColumn("harmless", "numeric", LABEL, ("application.A",)),)
    matrix = FeatureMatrix(pl.Series("key", range(ROWS)), columns, NOISE[:, None])
    (finding,) = separation(Learnt(matrix, TARGET, pl.DataFrame({"application.A": written})))
    assert finding.value == 1.0


def test_a_raw_column_that_is_passed_on_as_a_feature_is_said_once() -> None:
    columns = (FeatureColumn("A", "numeric", LABEL, ("application.A",)),)
    matrix = FeatureMatrix(pl.Series("key", range(ROWS)), columns, (TARGET + 0.0)[:, None])
    (finding,) = separation(Learnt(matrix, TARGET, pl.DataFrame({"application.A": TARGET})))
    assert finding.features == ("A",)


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
    (finding,) = separation(Learnt(matrix, TARGET), warn=0.6)
    rates = {value: TARGET[level == value].mean() for value in set(level)}
    assert finding.value == pytest.approx(roc_auc_score(TARGET, [rates[value] for value in level]), abs=0.02)
