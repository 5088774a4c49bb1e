from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from scorewright.domain.explanations import Finding
from scorewright.explain.leaks.overlap import Read, shared_persons, shared_rows

RNG = np.random.default_rng(0)
TRAIN, TEST = np.arange(800), np.arange(800, 1000)


def table(rows: int = 1000) -> pl.DataFrame:
    """Rows of mixed types with gaps, hardly two of them equal."""
    return pl.DataFrame(
        {
            "a.amount": RNG.lognormal(8, 1, rows).round(),
            "a.purpose": RNG.choice(["car", "home", "travel"], rows),
            "a.score": pl.Series(np.where(RNG.random(rows) < 0.3, np.nan, RNG.normal(0, 1, rows)), nan_to_null=True),
            "a.children": RNG.poisson(1, rows),
        }
    )


def copies_in(frame: pl.DataFrame) -> tuple[Finding, ...]:
    return shared_rows(Read(frame, np.empty((len(frame), 0))), TRAIN, TEST, "application")


def with_copies(frame: pl.DataFrame, copies: int) -> pl.DataFrame:
    """Put copies of training rows in the place of the first test rows."""
    return pl.concat([frame[:800], frame[:copies], frame[800 + copies :]])


@pytest.mark.parametrize(("copies", "severities"), [(0, []), (1, []), (6, ["warn"]), (30, ["refuse"])])
def test_copies_are_judged_by_their_share(copies: int, severities: list[str]) -> None:
    found = copies_in(with_copies(table(), copies))
    assert [finding.severity for finding in found] == severities
    for finding in found:
        assert finding.value == pytest.approx(copies / 200)
        assert finding.columns == ("application",)


def few_values(rows: int = 1000) -> pl.DataFrame:
    """Rows of few values each, which crowd: about half of the test has an equal in training."""
    return pl.DataFrame({f"a.{name}": RNG.binomial(3, 0.4, rows) for name in "uvwxy"})


def test_twins_of_a_table_with_few_values_are_no_copies() -> None:
    frame = few_values()
    equal = frame[800:].join(frame[:800].unique(), on=frame.columns, how="semi").height
    assert equal > 60
    assert copies_in(frame) == ()


def test_a_table_of_one_column_holds_no_copies() -> None:
    assert copies_in(few_values().select("a.u")) == ()


def test_copies_in_open_places_are_counted_where_others_crowd() -> None:
    frame = few_values().with_columns(
        pl.when(pl.arange(pl.len()) % 2 == 0).then(pl.lit(0)).otherwise(RNG.normal(0, 1, 1000)).alias("a.z")
    )
    odd = [row for row in range(100) if row % 2]
    copied = pl.concat([frame[:800], frame[odd], frame[850:]])
    (finding,) = copies_in(copied)
    assert finding.value == pytest.approx(len(odd) / 200)


def test_values_swapped_between_columns_are_no_copy() -> None:
    numbers = RNG.normal(0, 1, 1000)
    left = np.where(np.arange(1000) < 800, numbers, np.roll(numbers, 800) + 1)
    right = np.where(np.arange(1000) < 800, numbers + 1, np.roll(numbers, 800))
    assert copies_in(pl.DataFrame({"a.l": left, "a.r": right})) == ()


def clients(share: float) -> pl.DataFrame:
    known = RNG.permutation(800)[: round(200 * share)]
    return pl.DataFrame(
        {"application.client": np.concatenate((np.arange(800), known, 5000 + np.arange(200 - len(known))))}
    )


@pytest.mark.parametrize(("share", "severities"), [(0.02, []), (0.1, ["warn"]), (0.5, ["refuse"])])
def test_persons_on_both_sides_are_judged_by_their_share(share: float, severities: list[str]) -> None:
    found = shared_persons(clients(share), TRAIN, TEST, dated=False)
    assert [finding.severity for finding in found] == severities
    assert [finding.value for finding in found] == [share] * len(severities)


def test_who_comes_back_after_the_date_is_noted() -> None:
    (finding,) = shared_persons(clients(0.5), TRAIN, TEST, dated=True)
    assert finding.severity == "note"


def test_what_many_share_names_no_person() -> None:
    branches = pl.DataFrame({"application.branch": np.arange(1000) % 40})
    assert shared_persons(branches, TRAIN, TEST, dated=False) == ()


def test_an_empty_identifier_is_nobody() -> None:
    nobody = pl.DataFrame({"application.client": pl.Series([None] * 1000, dtype=pl.String)})
    assert shared_persons(nobody, TRAIN, TEST, dated=False) == ()


def test_features_of_histories_tell_applications_apart() -> None:
    raw, histories = with_copies(table(), 30), RNG.normal(0, 1, (1000, 3))
    assert shared_rows(Read(raw, histories, [1, 2]), TRAIN, TEST, "application") == ()
    histories[800:830] = histories[:30]
    histories[:, 0] = np.arange(1000)
    (finding,) = shared_rows(Read(raw, histories, [1, 2]), TRAIN, TEST, "application")
    assert finding.value == pytest.approx(0.15)
    assert "all 6 columns" in finding.seen
