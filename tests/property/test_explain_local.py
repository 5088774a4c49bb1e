"""Whatever the contributions and the calibration: shares sum on every scale, and reasons keep their rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scorewright.domain.explanations import PointScale, Reasons
from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.explain.local import shared_contributions
from scorewright.explain.reasons import ReasonBook, ReasonTerms
from scorewright.explain.shares import Scored, share_out
from scorewright.models.calibration import Beta, Isotonic, Platt, Uncalibrated
from scorewright.tables.wording import FamilyWording, Wording

Floats = NDArray[np.float64]

moves = st.floats(-8.0, 8.0) | st.sampled_from([0.0, 1e-15, -1e-9, 1e-5])
slopes = st.floats(0.0, 3.0)


@st.composite
def isotonic(draw: st.DrawFn) -> Isotonic:
    """Knots anywhere, even on top of each other but for a rounding error; PDs that rise or stay level."""
    size = draw(st.integers(1, 6))
    gaps = draw(st.lists(st.floats(1e-9, 4.0), min_size=size, max_size=size))
    pds = sorted(draw(st.lists(st.floats(1e-6, 1.0 - 1e-6), min_size=size, max_size=size)))
    return Isotonic(tuple((np.cumsum(gaps) - 4.0).tolist()), tuple(pds))


calibrations = st.one_of(
    st.just(Uncalibrated()),
    st.builds(Platt, st.floats(0.01, 3.0), st.floats(-3.0, 3.0)),
    st.builds(Beta, slopes, slopes, st.floats(-3.0, 3.0)),
    isotonic(),
).map(lambda calibration: calibration.pd)
points = st.builds(PointScale, st.floats(0.0, 1000.0), st.floats(1.0, 100.0), st.floats(1.0, 100.0))


@st.composite
def scored(draw: st.DrawFn) -> Scored:
    rows, size = draw(st.integers(1, 3)), draw(st.integers(1, 8))
    drawn = draw(st.lists(st.lists(moves, min_size=size, max_size=size), min_size=rows, max_size=rows))
    base = draw(st.floats(-5.0, 5.0))
    contributions = np.column_stack([np.array(drawn), np.full(rows, base)])
    score = contributions.sum(axis=1)
    if draw(st.booleans()):
        return Scored(contributions, score, score)
    return forest(contributions)


def forest(contributions: Floats) -> Scored:
    """Make a forest of it: its base and its scores lie between 0 and 1, both included."""
    reach = np.abs(contributions[:, :-1]).sum(axis=1, keepdims=True)
    base = 1.0 / (1.0 + np.exp(-contributions[:, -1:]))
    shrunk = contributions[:, :-1] / np.maximum(reach, 1.0) * np.minimum(base, 1.0 - base)
    parts = np.column_stack([shrunk, base])
    score = np.clip(parts.sum(axis=1), 0.0, 1.0)
    clipped = np.clip(score, 1e-6, 1.0 - 1e-6)
    return Scored(parts, score, np.log(clipped / (1.0 - clipped)), "probability")


@given(scored(), calibrations, points)
def test_shares_sum_on_every_scale(said: Scored, pd: Callable[[Floats], Floats], scale: PointScale) -> None:
    found = share_out(said, pd, scale)
    assert found.pd.value.tolist() == pd(said.log_odds).tolist()
    for each in (found.log_odds, found.pd, found.points):
        sums = each.base + each.shares.sum(axis=1)
        assert np.all(np.abs(sums - each.value) <= 1e-9 * np.maximum(1.0, np.abs(each.value)))


@given(scored(), calibrations)
def test_what_did_not_move_the_score_has_no_share(said: Scored, pd: Callable[[Floats], Floats]) -> None:
    found = share_out(said, pd)
    still = said.contributions[:, :-1] == 0.0
    for each in (found.log_odds, found.pd, found.points):
        assert not each.shares[still].any()


@given(scored(), calibrations)
def test_more_contribution_never_has_less_share(said: Scored, pd: Callable[[Floats], Floats]) -> None:
    found = share_out(said, pd)
    order = np.argsort(said.contributions[0, :-1], kind="stable")
    for each, sign in ((found.log_odds, 1.0), (found.pd, 1.0), (found.points, -1.0)):
        ranked = sign * each.shares[0][order]
        assert np.all(np.diff(ranked) >= -1e-9 * max(1.0, float(np.abs(ranked).max())))


@given(scored(), calibrations)
def test_the_list_of_contributions_sums_to_the_answer(said: Scored, pd: Callable[[Floats], Floats]) -> None:
    shares, width = share_out(said, pd), said.contributions.shape[1] - 1
    columns = [FeatureColumn(f"f{at}", "numeric", Label("a", "b"), ()) for at in range(width)]
    listed = shared_contributions(shares, columns, np.zeros((len(said.score), width)))
    total = shares.totals()
    assert abs(total.base + sum(each.log_odds for each in listed) - total.log_odds) < 1e-9 * max(
        1.0, abs(total.log_odds)
    )
    assert abs(total.base_pd + sum(each.pd for each in listed) - total.pd) < 1e-9
    assert abs(total.base_points + sum(each.points for each in listed) - total.points) < 1e-9 * max(
        1.0, abs(total.points)
    )


FAMILIES = tuple(
    FamilyWording(
        f"family{number}",
        Label(f"Family {number}", f"Famille {number}"),
        Label("{value}, {typical}", "{value} ; {typical}"),
        features=(f"f{number}_*",),
        shown=tuple(f"f{number}_{at}" for at in range(3)),
    )
    for number in range(5)
)
COLUMNS = tuple(
    FeatureColumn(f"f{number}_{at}", "numeric", Label("a", "b"), (f"t.C{(3 * number + at) % 7}",))
    for number in range(6)
    for at in range(3)
)
barring = st.sets(st.sampled_from([f"t.C{number}" for number in range(7)]), max_size=4)
rows = st.lists(moves, min_size=len(COLUMNS), max_size=len(COLUMNS)).map(np.array)
gappy = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=len(COLUMNS), max_size=len(COLUMNS)).map(
    np.array
)


def by_hand(row: Floats, barred: set[str], *, withheld: bool) -> dict[str, float]:
    """Sums per family above 0, of the features that are withheld or of the others; the sixth family is raw columns."""
    sums: dict[str, float] = {}
    for moved, column in zip(row.tolist(), COLUMNS, strict=True):
        if (column.sources[0] in barred) == withheld:
            number = column.name[1]
            name = f"family{number}" if number != "5" else column.sources[0]
            sums[name] = sums.get(name, 0.0) + moved
    return {name: total for name, total in sums.items() if total > 0.0}


@given(rows, gappy, barring, barring, st.integers(1, 6))
def test_reasons_are_the_weightiest_families_that_may_be_given(
    row: Floats, values: Floats, protected: set[str], proxies: set[str], most: int
) -> None:
    terms = ReasonTerms(Wording(most, tuple(proxies), FAMILIES), {}, frozenset(protected))
    found: Reasons = ReasonBook(terms, COLUMNS, {"f1_0": 3.0}).reasons(row, -row, values)
    barred = protected | proxies
    open_sums, kept_sums = by_hand(row, barred, withheld=False), by_hand(row, barred, withheld=True)
    weights = [reason.log_odds for reason in found.given]
    assert {reason.family: reason.log_odds for reason in found.given}.items() <= open_sums.items()
    assert weights == sorted(open_sums.values(), reverse=True)[:most]
    assert bool(found.given) == bool(open_sums)
    threshold = sorted([*open_sums.values(), *kept_sums.values()], reverse=True)[:most]
    assert all(each.log_odds == kept_sums[each.family] >= threshold[-1] for each in found.withheld)
    named = {feature for reason in found.given for feature in reason.features}
    assert not {source for column in COLUMNS if column.name in named for source in column.sources} & barred
    assert all(set(each.columns) <= barred and each.columns for each in found.withheld)
    texts = [text for reason in found.given for text in (reason.sentence.en, reason.sentence.fr)]
    assert not any("{" in text or "nan" in text or not text for text in texts)
