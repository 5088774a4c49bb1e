from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from scipy.stats.contingency import association as uncorrected
from sklearn.metrics import roc_auc_score

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.fairness.groups import LEAST, TOO_FEW, Groups, crossed, groups_of, together
from scorewright.decision.fairness.measuring import Treatment, least_ratio, measure, wilson
from scorewright.decision.fairness.mitigation import association, auc_within_folds, balanced, levels_of
from scorewright.domain.evaluation import Interval
from scorewright.domain.explanations import Group


def drawn(rows: int = 2000, seed: int = 3) -> tuple[Groups, Treatment]:
    """Three groups, the last with the riskiest PDs and the fewest applications; PDs are true."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, rows, p=[0.5, 0.35, 0.15])
    pd = np.clip(rng.beta(1.0, 6.0, rows) + 0.05 * group, 0.0, 1.0)
    target = (rng.random(rows) < pd).astype(np.int8)
    return Groups(("a", "b", "c"), group), Treatment(pd, target, pd < 0.2, (pd >= 0.2) & (pd < 0.25))


def of(counts: dict[str, tuple[int, int]]) -> tuple[Groups, Treatment]:
    """Groups of stated numbers of approved and of all applications."""
    group = np.repeat(np.arange(len(counts)), [rows for _, rows in counts.values()])
    approved = np.concatenate([np.arange(rows) < yes for yes, rows in counts.values()])
    return Groups(tuple(counts), group), Treatment(np.full(group.size, 0.1), np.zeros(group.size, np.int8), approved)


def by_value(groups: tuple[Group, ...]) -> dict[str, Group]:
    return {group.value: group for group in groups}


@pytest.mark.parametrize(("yes", "rows"), [(0, 50), (1, 50), (25, 50), (50, 50), (407, 5000), (3, 3)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_interval_of_a_rate_is_scipys(yes: int, rows: int, level: float) -> None:
    found, expected = wilson(yes, rows, level), binomtest(yes, rows).proportion_ci(level, method="wilson")
    assert found.estimate == yes / rows
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0.0 <= found.low <= found.estimate <= found.high <= 1.0


def test_every_rate_is_a_share_of_its_own_applications() -> None:
    groups, treated = drawn()
    bad, refused = treated.target == 1, ~treated.approved
    assert treated.referred is not None
    for at, name in enumerate(groups.names):
        own = groups.of_row == at
        found = by_value(measure(groups, treated))[name]
        among = {
            "approval_rate": (treated.approved, own),
            "referral_rate": (treated.referred, own),
            "bad_rate": (bad, own & treated.approved),
            "true_positive_rate": (refused, own & bad),
            "false_positive_rate": (refused, own & ~bad),
            "default_rate": (bad, own),
        }
        assert found.applications == own.sum()
        assert set(found.rates) == {*among, "mean_pd", "calibration_gap"}
        for rate, (flags, rows) in among.items():
            ends = binomtest(int(flags[rows].sum()), int(rows.sum())).proportion_ci(method="wilson")
            assert found.rates[rate].estimate == pytest.approx(flags[rows].mean())
            assert (found.rates[rate].low, found.rates[rate].high) == pytest.approx((ends.low, ends.high))
        assert found.rates["mean_pd"].estimate == pytest.approx(treated.pd[own].mean())


def test_the_gap_of_calibration_is_the_default_rate_and_its_interval_less_the_mean_pd() -> None:
    for group in measure(*drawn()):
        rate, mean, gap = (group.rates[name] for name in ("default_rate", "mean_pd", "calibration_gap"))
        parts = [(end - mean.estimate) for end in (rate.estimate, rate.low, rate.high)]
        assert [gap.estimate, gap.low, gap.high] == pytest.approx(parts)
        assert gap.low <= 0.0 <= gap.high  # the PDs are true


def test_pds_that_are_wrong_for_one_group_show_there_alone() -> None:
    groups, treated = drawn(6000)
    wrong = np.where(groups.of_row == 1, treated.pd / 3, treated.pd)
    found = by_value(measure(groups, Treatment(wrong, treated.target, treated.approved)))
    apart = [name for name, group in found.items() if group.rates["calibration_gap"].low > 0.0]
    assert apart == ["b"]
    assert "referral_rate" not in found["a"].rates


def test_a_rate_of_nobody_is_left_out() -> None:
    found = by_value(measure(*of({"a": (100, 100), "b": (0, 100)})))
    assert "bad_rate" not in found["b"].rates
    assert "true_positive_rate" not in found["a"].rates


def test_a_group_approved_less_than_four_fifths_as_often_as_the_best_is_flagged() -> None:
    found = by_value(measure(*of({"a": (450, 500), "b": (630, 1000), "c": (360, 500), "d": (400, 500)})))
    assert {name: group.below_four_fifths for name, group in found.items()} == {
        "a": False, "b": True, "c": False, "d": False,
    }  # fmt: skip
    assert {name: group.approval_ratio.estimate for name, group in found.items() if group.approval_ratio} == (
        pytest.approx({"a": 1.0, "b": 0.7, "c": 0.8, "d": 8 / 9})
    )
    assert found["a"].approval_ratio == Interval(1.0, 1.0, 1.0)


def test_the_interval_of_a_ratio_is_that_of_drawing_rows_one_by_one() -> None:
    groups, treated = of({"a": (300, 400), "b": (150, 300)})
    found = by_value(measure(groups, treated, Resampling(4000)))["b"].approval_ratio
    rng, ratios = np.random.default_rng(1), []
    for _ in range(4000):
        rows = rng.integers(0, 700, 700)
        first, second = (treated.approved[rows][groups.of_row[rows] == at].mean() for at in (0, 1))
        ratios.append(second / first)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(np.quantile(ratios, (0.025, 0.975)), abs=0.01)


def test_the_luckiest_of_small_groups_is_not_what_the_others_are_compared_with() -> None:
    found = by_value(measure(*of({"large": (4000, 5000), "small": (58, 60)})))
    assert found["large"].approval_ratio == Interval(1.0, 1.0, 1.0)
    small = found["small"].approval_ratio
    assert small is not None
    assert small.estimate > 1.0


def test_no_ratio_is_made_up_where_hardly_anybody_is_approved() -> None:
    for counts in ({"a": (1, 100), "b": (0, 100)}, {"a": (0, 100), "b": (0, 100)}):
        assert all((group.approval_ratio, group.below_four_fifths) == (None, False) for group in measure(*of(counts)))


def test_the_least_ratio_is_that_of_the_worst_treated_group() -> None:
    groups, treated = of({"a": (450, 500), "b": (630, 1000), "c": (1, 10)})
    assert least_ratio(together(groups), treated.approved) == pytest.approx(0.7)
    assert least_ratio(together(groups), np.zeros(1510, np.bool_)) == 1.0


def test_groups_too_small_are_put_together_last_and_never_judged() -> None:
    small = {f"s{at}": (0, LEAST - 1) for at in range(4)}
    found = measure(*of({**small, "a": (60, LEAST), "b": (80, 100)}))
    assert [group.value for group in found] == ["b", "a", TOO_FEW]
    assert found[-1].applications == 4 * (LEAST - 1)
    assert (found[-1].approval_ratio, found[-1].below_four_fifths) == (None, False)
    assert found[-1].rates["approval_rate"].estimate == 0.0


def test_the_rates_of_a_few_persons_are_not_told() -> None:
    found = measure(*of({"a": (60, 100), "x": (1, 1)}))
    assert (found[-1].value, found[-1].applications, found[-1].rates) == (TOO_FEW, 1, {})
    assert measure(*of({"x": (1, 10)}))[0].approval_ratio is None


def test_decisions_must_belong_to_the_applications() -> None:
    with pytest.raises(ValueError, match="must belong to the 2 applications"):
        Treatment(np.array([0.1, 0.2]), np.array([0, 1], np.int8), np.array([True]))


@pytest.mark.parametrize(("values", "names"), [
    (pl.Series(["F", "M", None]), ("F", "M", "unknown")),
    (pl.Series([True, False]), ("false", "true")),
    (pl.Series([2, 1, None]), ("1", "2", "unknown")),
    (pl.Series([1.0, 2.0, float("nan")]), ("1", "2", "unknown")),
    (pl.Series([1.5, 2.0]), ("1.5", "2.0")),
    (pl.Series(["x", "y"], dtype=pl.Categorical), ("x", "y")),
    (pl.Series([None, None], dtype=pl.Int64), ("unknown",)),
])  # fmt: skip
def test_each_value_is_a_group_and_so_is_what_is_missing(values: pl.Series, names: tuple[str, ...]) -> None:
    assert groups_of(values).names == names


def test_numbers_of_many_values_are_cut_into_quartiles() -> None:
    groups = groups_of(pl.Series([*range(1, 101), None]))
    assert groups.names == ("1: up to 25", "2: 25 to 50", "3: 50 to 75", "4: above 75", "unknown")
    assert groups.sizes.tolist() == [25, 25, 25, 25, 1]


def test_ages_are_cut_where_the_law_does() -> None:
    years = pl.Series([18, 24, 25, 34, 61, 62, 90, None])
    named = ["< 25", "< 25", "25–34", "25–34", "55–61", "≥ 62", "≥ 62", "unknown"]
    found = groups_of(years, "years")
    assert [found.names[at] for at in found.of_row] == named
    backwards = groups_of(-(years * 365.25 + 1).ceil(), "days_back")
    assert [backwards.names[at] for at in backwards.of_row] == named


def test_pairs_part_by_both_attributes() -> None:
    first, second = groups_of(pl.Series(["F", "M", "F", None])), groups_of(pl.Series([1, 1, 2, 2]))
    both = crossed(first, second)
    assert [both.names[at] for at in both.of_row] == ["F × 1", "M × 1", "F × 2", "unknown × 2"]


def bergsma(table: NDArray[np.int64]) -> float:
    """The formula of the paper, step by step, from SciPy's uncorrected V."""
    n, (r, c) = table.sum(), table.shape
    phi2 = uncorrected(table, method="cramer") ** 2 * (min(r, c) - 1)
    plus = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    return float(np.sqrt(plus / (min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1)))


@pytest.mark.parametrize("noise", [0.0, 0.3, 0.9, 1.0])
def test_association_is_cramers_v_corrected_for_its_bias(noise: float) -> None:
    rng = np.random.default_rng(5)
    group = rng.integers(0, 3, 800)
    levels = np.where(rng.random(800) < noise, rng.integers(0, 5, 800), group)
    table = np.array([[np.sum((levels == i) & (group == j)) for j in range(3)] for i in np.unique(levels)])
    assert association(levels.astype(np.intp), group.astype(np.intp)) == pytest.approx(min(1.0, bergsma(table)))


def test_noise_of_many_levels_tells_no_group() -> None:
    rng = np.random.default_rng(2)
    found = [association(rng.integers(0, 20, 1000), rng.integers(0, 4, 1000)) for _ in range(200)]
    assert np.mean(found) < 0.04
    assert np.quantile(found, 0.99) < 0.1
    table = np.array([[2, 3]])
    assert association(np.zeros(5, np.intp), np.repeat([0, 1], table[0])) == 0.0


def test_gaps_and_shapes_tell_a_group_as_well_as_a_slope_does() -> None:
    rng = np.random.default_rng(4)
    group = rng.integers(0, 2, 2000).astype(np.intp)
    u_shaped = np.where(group == 1, rng.choice([-1.0, 1.0], 2000) * rng.uniform(1, 2, 2000), rng.uniform(-1, 1, 2000))
    gaps = np.where(group == 1, np.nan, rng.random(2000))
    for values in (u_shaped, gaps, u_shaped + 5.0):
        assert association(levels_of(values, category=False), group) > 0.9
    assert association(levels_of(rng.random(2000), category=False), group) < 0.1


def test_levels_are_categories_or_quantiles_and_gaps_apart() -> None:
    assert levels_of(np.array([3.0, np.nan, 0.0, 3.0]), category=True).tolist() == [2, 0, 1, 2]
    assert levels_of(np.array([np.nan, np.nan]), category=False).tolist() == [0, 0]
    many = levels_of(np.arange(1000.0), category=False)
    assert set(Counter(many.tolist()).values()) <= {49, 50, 51}
    negative = levels_of(np.array([-1.0, np.nan, 5.0, -1.0]), category=False)
    assert len(set(negative.tolist())) == 3


def test_balanced_applications_say_nothing_of_the_outcome() -> None:
    rng = np.random.default_rng(6)
    group = rng.choice(3, 5000, p=[0.6, 0.3, 0.1]).astype(np.intp)
    target = (rng.random(5000) < np.array([0.05, 0.2, 0.4])[group]).astype(np.int8)
    rows = balanced(group, target, 1)
    rates = [target[rows][group[rows] == at].mean() for at in range(3)]
    assert rates == pytest.approx([target.mean()] * 3, abs=2e-3)
    for at, outcome in product(range(3), (0, 1)):
        times = np.bincount(rows, minlength=5000)[(group == at) & (target == outcome)]
        assert times.max() - times.min() <= 1
    assert np.bincount(group[rows]) == pytest.approx(np.bincount(group), abs=1)
    assert rows.tolist() == balanced(group, target, 1).tolist() != balanced(group, target, 2).tolist()


def test_auc_is_the_mean_over_folds_and_its_interval_holds_it() -> None:
    _, treated = drawn(900)
    folds = np.arange(900) % 3
    found = auc_within_folds(treated.pd, treated.target, folds, Resampling(100))
    own = [roc_auc_score(treated.target[folds == fold], treated.pd[folds == fold]) for fold in range(3)]
    assert found.estimate == pytest.approx(np.mean(own))
    assert 0.01 < found.high - found.low < 0.2
    assert found.low < found.estimate < found.high
    one_sided = auc_within_folds(treated.pd, np.zeros(900, np.int8), folds, Resampling(3))
    assert one_sided == Interval(0.5, 0.5, 0.5)
