from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scorewright.decision.bootstrap import evaluate_with_intervals
from scorewright.decision.costs import cost_per_application
from scorewright.decision.curves import cost
from scorewright.decision.metrics import evaluate, measure, rank
from scorewright.decision.threshold import APPROVE_ALL, best_threshold
from scorewright.domain.costs import CostMatrix
from scorewright.domain.measures import expected_calibration_error

Rows = tuple[NDArray[np.float64], NDArray[np.int8]]

pds = st.one_of(st.integers(0, 8).map(lambda eighths: eighths / 8), st.floats(0.0, 1.0))
pairs = st.lists(st.tuples(pds, st.integers(0, 1)), min_size=1, max_size=30)
cost_matrices = st.builds(CostMatrix, st.integers(0, 20).map(float), st.integers(0, 20).map(float))


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    pd, target = zip(*draw(pairs), strict=True)
    return np.array(pd, dtype=np.float64), np.array(target, dtype=np.int8)


@given(rows(), cost_matrices)
def test_no_threshold_costs_less_than_the_best(sample: Rows, costs: CostMatrix) -> None:
    pd, target = sample
    best = best_threshold(pd, target, costs)
    every = [cost_per_application(target, pd >= cut, costs) for cut in (*pd, 0.0, APPROVE_ALL)]
    assert best.cost == min(every)


@given(rows(), cost_matrices)
def test_the_stated_cost_and_approvals_are_those_of_the_stated_threshold(sample: Rows, costs: CostMatrix) -> None:
    pd, target = sample
    best = best_threshold(pd, target, costs)
    refused = pd >= best.value
    assert cost_per_application(target, refused, costs) == best.cost
    assert np.isclose(best.approval_rate, 1.0 - refused.mean())


@given(rows(), cost_matrices)
def test_no_equally_cheap_threshold_approves_more(sample: Rows, costs: CostMatrix) -> None:
    pd, target = sample
    best = best_threshold(pd, target, costs)
    for cut in (*pd, 0.0, APPROVE_ALL):
        if cost_per_application(target, pd >= cut, costs) == best.cost:
            assert np.mean(pd >= best.value) <= np.mean(pd >= cut)


@given(rows(), cost_matrices)
def test_every_point_of_the_cost_curve_is_the_cost_of_its_threshold(sample: Rows, costs: CostMatrix) -> None:
    pd, target = sample
    curve = cost(pd, target, costs)
    assert list(curve.y) == [cost_per_application(target, pd >= cut, costs) for cut in curve.x]


@given(rows(), st.floats(0.0, APPROVE_ALL), cost_matrices)
def test_auc_ks_and_ece_are_their_definitions_over_all_pairs_cuts_and_bins(
    sample: Rows, threshold: float, costs: CostMatrix
) -> None:
    pd, target = sample
    bad, good = pd[target == 1], pd[target == 0]
    metrics = evaluate(pd, target, threshold, costs).metrics
    assert ("auc" in metrics) == bool(bad.size and good.size)
    assert np.isclose(metrics["ece"], expected_calibration_error(pd, target), rtol=0.0, atol=1e-12)
    if "auc" in metrics:
        wins = [(b > g) + 0.5 * (b == g) for b in bad for g in good]
        assert np.isclose(metrics["auc"], np.mean(wins))
        assert np.isclose(metrics["ks"], max(abs(np.mean(bad <= cut) - np.mean(good <= cut)) for cut in pd))


@given(rows(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_has_no_say(sample: Rows, random: object) -> None:
    pd, target = sample
    order = np.arange(pd.size)
    random.shuffle(order)  # type: ignore[attr-defined]
    first, second = (
        evaluate_with_intervals(pd[rows], target[rows], 0.5, CostMatrix(), repeats=5)
        for rows in (np.arange(pd.size), order)
    )
    assert first == second


@given(rows(), cost_matrices, st.data())
def test_weights_measure_as_repeated_rows_do(sample: Rows, costs: CostMatrix, data: st.DataObject) -> None:
    pd, target = sample
    order = np.lexsort((target, pd))
    pd, target = pd[order], target[order]
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=pd.size, max_size=pd.size).filter(any)))
    weighted = measure(rank(pd, target, 0.5), times.astype(np.float64), costs)
    repeated = evaluate(np.repeat(pd, times), np.repeat(target, times), 0.5, costs).metrics
    assert weighted.keys() == repeated.keys()
    assert all(np.isclose(weighted[name], repeated[name]) for name in weighted)
