from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scorewright.explain.leaks.outcomes import (
    FOLDS,
    MOST_OF_EACH,
    levels_of_categories,
    levels_of_numbers,
    outcomes,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("fewer", [0, 9])
def test_too_few_of_an_outcome_tell_nothing(fewer: int) -> None:
    assert outcomes(np.repeat([1, 0], [fewer, 100])) is None
    assert outcomes(np.repeat([0, 1], [fewer, 100])) is None


def test_of_many_as_many_of_each_outcome_are_looked_at() -> None:
    known = outcomes(np.repeat([0, 1], [3 * MOST_OF_EACH, 50]))
    assert known is not None
    assert (known.defaulted.sum(), (~known.defaulted).sum()) == (50, MOST_OF_EACH)
    assert np.all(np.diff(known.rows) > 0)


def test_folds_share_out_each_outcome() -> None:
    known = outcomes(np.repeat([0, 1], [503, 57]))
    assert known is not None
    for part in (known.defaulted, ~known.defaulted):
        counts = np.bincount(known.folds[part], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1


def test_the_auc_of_levels_in_order_of_risk_is_that_of_the_levels_themselves() -> None:
    target = (RNG.random(4000) < 0.3).astype(int)
    levels = RNG.binomial(4, 0.3 + 0.3 * target)
    known = outcomes(target)
    assert known is not None
    assert known.auc(levels) == pytest.approx(roc_auc_score(target, levels), abs=0.005)


def test_all_flags_at_once_give_what_each_alone_gives() -> None:
    target = (RNG.random(3000) < 0.2).astype(int)
    chances = np.linspace(0.05, 0.95, 9)
    flags = RNG.random((3000, 18)) < np.concatenate((chances, chances)) + np.outer(target, np.repeat([0.0, 0.05], 9))
    known = outcomes(target)
    assert known is not None
    alone = [known.auc(flag.astype(np.intp)) for flag in flags[known.rows].T]
    assert known.aucs_of_flags(flags[known.rows]) == pytest.approx(alone, abs=1e-6)


def test_a_flag_that_is_never_set_tells_nothing() -> None:
    known = outcomes(np.repeat([0, 1], 50))
    assert known is not None
    assert known.aucs_of_flags(np.zeros((100, 2), dtype=bool)).tolist() == [0.5, 0.5]


def test_a_frequent_value_hides_no_rare_one() -> None:
    values = np.concatenate((np.zeros(990), np.arange(1.0, 11.0)))
    levels = levels_of_numbers(values)
    assert len(set(levels[:990])) == 1
    assert levels[0] not in set(levels[990:])


def test_missing_has_a_level_of_its_own() -> None:
    assert len(set(levels_of_numbers(np.array([np.nan, 1.0, 2.0])))) == 3
    assert levels_of_categories(np.array([1.0, np.nan, 0.0])).tolist() == [1, 2, 0]
    assert len(set(levels_of_numbers(np.full(3, np.nan)))) == 1
