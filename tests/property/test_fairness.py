"""Fairness: groups add up to the whole, whatever order the applications come in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from scorewright.decision.bootstrap import Resampling
from scorewright.decision.fairness.groups import TOO_FEW, Groups, crossed, groups_of, together
from scorewright.decision.fairness.measuring import Treatment, measure, wilson
from scorewright.decision.fairness.mitigation import association, balanced

FEW = Resampling(20)
LEAST = 3


@st.composite
def treated(draw: st.DrawFn) -> tuple[Groups, Treatment]:
    """Up to 40 applications in up to 5 groups."""
    row = st.tuples(st.integers(0, 4), st.integers(0, 20), st.booleans(), st.booleans())
    group, pd, bad, approved = zip(*draw(st.lists(row, min_size=1, max_size=40)), strict=True)
    names, of_row = np.unique(group, return_inverse=True)
    yes = np.array(approved)
    treatment = Treatment(np.array(pd) / 20, np.array(bad, dtype=np.int8), yes, ~yes & (np.array(pd) < 10))
    return Groups(tuple(f"g{name}" for name in names), of_row.astype(np.intp)), treatment


@given(treated())
def test_groups_add_up_and_overall_rates_are_their_weighted_means(case: tuple[Groups, Treatment]) -> None:
    groups, treatment = case
    found = measure(groups, treatment, FEW, least=1)
    sizes = [group.applications for group in found]
    assert sum(sizes) == len(treatment.pd)
    assert sizes == sorted(sizes, reverse=True)
    bad = treatment.target == 1
    whole = {
        "approval_rate": (treatment.approved, np.ones(bad.size)),
        "default_rate": (bad, np.ones(bad.size)),
        "mean_pd": (treatment.pd, np.ones(bad.size)),
        "calibration_gap": (bad - treatment.pd, np.ones(bad.size)),
        "bad_rate": (bad, treatment.approved),
        "true_positive_rate": (~treatment.approved, bad),
        "false_positive_rate": (~treatment.approved, ~bad),
    }
    for name, (values, among) in whole.items():
        total = 0.0
        for group in found:
            own = groups.of_row == groups.names.index(group.value)
            rows = among[own].sum()
            assert (name in group.rates) == bool(rows)
            total += rows * group.rates[name].estimate if rows else 0.0
        assert np.isclose(total, np.sum(values * among))


@given(treated())
def test_an_interval_holds_its_estimate_and_the_best_treated_is_one(case: tuple[Groups, Treatment]) -> None:
    found = measure(*case, FEW, least=LEAST)
    for group in found:
        assert all(rate.low <= rate.estimate <= rate.high for rate in group.rates.values())
        assert not group.below_four_fifths or (group.approval_ratio and group.approval_ratio.estimate < 0.8 + 1e-9)
    ratios = [group.approval_ratio.estimate for group in found if group.approval_ratio]
    # So few applications that every group is large enough to be compared with.
    assert not ratios or max(ratios) == 1.0
    rates = [group.rates["approval_rate"].estimate for group in found if group.value != TOO_FEW]
    assert not ratios or np.isclose(min(ratios), min(rates) / max(rates))


@given(treated(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_has_no_say(case: tuple[Groups, Treatment], random: object) -> None:
    groups, treatment = case
    order = np.arange(len(treatment.pd))
    random.shuffle(order)  # type: ignore[attr-defined]
    # Sums of PDs in another order may differ in their last bit.
    plain = replace(treatment, pd=np.round(treatment.pd))
    first = measure(groups, plain, FEW, least=LEAST)
    assert first == measure(replace(groups, of_row=groups.of_row[order]), plain.take(order), FEW, least=LEAST)


@given(treated())
def test_what_is_put_together_is_exactly_what_is_small(case: tuple[Groups, Treatment]) -> None:
    groups, _ = case
    found = together(groups, LEAST)
    assert found.sizes.sum() == groups.sizes.sum()
    kept = [name for name, size in zip(groups.names, groups.sizes, strict=True) if size >= LEAST]
    assert [found.names[at] for at in found.judged] == kept
    assert found.few == (len(kept) < len(groups.names))
    assert together(found, LEAST).sizes.tolist() == found.sizes.tolist()


@given(st.lists(st.tuples(st.sampled_from("ab"), st.one_of(st.none(), st.integers(0, 3))), min_size=1, max_size=30))
def test_pairs_are_the_cells_of_the_cross_table(rows: list[tuple[str, int | None]]) -> None:
    first, second = (groups_of(pl.Series(values, dtype=kind)) for values, kind in zip(
        zip(*rows, strict=True), (pl.String, pl.Int64), strict=True))  # fmt: skip
    both = crossed(first, second)
    expected = [f"{one} × {'unknown' if two is None else two}" for one, two in rows]
    assert [both.names[at] for at in both.of_row] == expected
    assert all(both.sizes)


@given(st.integers(1, 500), st.data())
def test_a_rate_and_its_complement_have_mirrored_intervals(trials: int, data: st.DataObject) -> None:
    yes = data.draw(st.integers(0, trials))
    one, other = wilson(yes, trials), wilson(trials - yes, trials)
    assert np.isclose(one.low, 1.0 - other.high)
    assert np.isclose(one.high, 1.0 - other.low)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=60), st.integers(0, 5))
def test_balancing_draws_each_cell_as_often_as_independence_asks(rows: list[tuple[int, int]], seed: int) -> None:
    group, target = (np.array(values) for values in zip(*rows, strict=True))
    drawn = balanced(group, target.astype(np.int8), seed)
    for cell in set(rows):
        wanted = sum(g == cell[0] for g, _ in rows) * sum(y == cell[1] for _, y in rows) / len(rows)
        own = np.sum((group[drawn] == cell[0]) & (target[drawn] == cell[1]))
        assert abs(own - wanted) <= 0.5


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=2, max_size=80), st.permutations(range(7)))
@example([(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (3, 3), (4, 1)], [0, 1, 2, 4, 3, 5, 6])
def test_association_is_a_share_that_names_do_not_move(rows: list[tuple[int, int]], names: list[int]) -> None:
    levels, group = (np.array(values) for values in zip(*rows, strict=True))
    found = association(levels, group)
    assert 0.0 <= found <= 1.0
    assert np.isclose(association(np.array(names)[levels], group), found)
