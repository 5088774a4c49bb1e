"""What every candidate and its sealed model promise, whichever family they are of."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from scorewright.domain.matrix import FeatureColumn, FeatureMatrix, Label
from scorewright.errors import SettingsError, TrainingError
from scorewright.models.candidates import CANDIDATES, candidate
from scorewright.models.cross_validation import Fitted, Lesson, OutOfFold, cross_validate, fit_final
from scorewright.models.folds import stratified_folds
from scorewright.models.loading import load_model
from scorewright.models.seam import Candidate, Model, Parameters

ROWS = 700
CATEGORIES = ("cash", "consumer", "never seen", "revolving")
QUICK = {"n_estimators": 40, "lightgbm.n_estimators": 40}


def column(name: str, categories: tuple[str, ...] = ()) -> FeatureColumn:
    kind = "category" if categories else "numeric"
    return FeatureColumn(name, kind, Label(name, name), (f"application.{name}",), categories)


COLUMNS = (
    column("ratio"),
    column("product", CATEGORIES),
    column("nothing"),
    column("amount"),
    column("constant"),
    column("city", tuple(f"city {number:02d}" for number in range(40))),
    column("age"),
    column("constant with gaps"),
)


def portfolio(rows: int = ROWS, seed: int = 3) -> tuple[FeatureMatrix, NDArray[np.int8]]:
    """Generate applications with gaps, categories, a category never seen, a constant and an empty column."""
    draw = np.random.default_rng(seed)
    ratio, amount, age = draw.normal(size=rows), draw.lognormal(12, 1, rows), draw.integers(20, 70, rows) * 1.0
    product, city = draw.choice([0.0, 1.0, 3.0], rows), draw.integers(0, 40, rows) * 1.0
    risk = 1.2 * ratio - 0.04 * (age - 45) + 1.0 * (product == 3) + 0.5 * (city % 3 == 0) - 1.6
    target = (draw.random(rows) < 1 / (1 + np.exp(-risk))).astype(np.int8)
    columns = [ratio, product, np.full(rows, np.nan), amount, np.full(rows, 0.1), city, age, np.full(rows, 0.1)]
    values = np.column_stack(columns)
    gaps = draw.random(values.shape) < 0.15
    gaps[:, 4] = False
    values[gaps] = np.nan
    return FeatureMatrix(pl.Series("key", np.arange(rows)), COLUMNS, values), target


def fit(of: Candidate, matrix: FeatureMatrix, target: NDArray[np.int8], chosen: Parameters, threads: int = 1) -> Model:
    """Prepare and fit at one go."""
    return of.fit(of.prepare(matrix, target), chosen, 7, threads)


@dataclass(frozen=True)
class Case:
    candidate: Candidate
    matrix: FeatureMatrix
    target: NDArray[np.int8]
    model: Model
    out_of_fold: OutOfFold
    fitted: Fitted

    @property
    def values(self) -> NDArray[np.float64]:
        return self.matrix.values


def parameters(of: Candidate) -> dict[str, float | int | str | bool | None]:
    return {**of.defaults(), **{key: value for key, value in QUICK.items() if key in of.defaults()}}


@pytest.fixture(scope="module", params=CANDIDATES, ids=lambda known: known.name)
def case(request: pytest.FixtureRequest) -> Case:
    of: Candidate = request.param
    matrix, target = portfolio()
    plan = Lesson(matrix, target, stratified_folds(target, 7), 7)
    out_of_fold = cross_validate(of, plan, parameters(of))
    fitted = fit_final(of, plan, out_of_fold)
    return Case(of, matrix, target, fitted.model, out_of_fold, fitted)


def test_sealed_files_give_the_same_model(case: Case) -> None:
    files = case.model.files()
    loaded = load_model(case.model.kind, files, case.matrix.columns)
    assert (loaded.kind, loaded.scale, loaded.files()) == (case.model.kind, case.model.scale, files)
    for act in (lambda model: model.score, lambda model: model.log_odds, lambda model: model.contributions):
        np.testing.assert_array_equal(act(loaded)(case.values), act(case.model)(case.values))


def test_sealed_files_are_text(case: Case) -> None:
    assert all(content.decode("utf-8").isprintable() or b"\n" in content for content in case.model.files().values())


def test_contributions_sum_to_the_score(case: Case) -> None:
    contributions = case.model.contributions(case.values)
    assert contributions.shape == (ROWS, len(COLUMNS) + 1)
    np.testing.assert_allclose(contributions.sum(axis=1), case.model.score(case.values), rtol=0, atol=1e-9)


def test_the_base_value_is_the_same_for_everybody(case: Case) -> None:
    assert len(np.unique(case.model.contributions(case.values)[:, -1])) == 1


def test_a_feature_without_information_contributes_nothing(case: Case) -> None:
    contributions = case.model.contributions(case.values)
    empty, constant = COLUMNS.index(column("nothing")), COLUMNS.index(column("constant"))
    assert not contributions[:, [empty, constant]].any()


@pytest.mark.parametrize("act", ["score", "log_odds", "contributions"])
def test_one_application_gets_the_bits_it_gets_in_a_batch(case: Case, act: str) -> None:
    batch = getattr(case.model, act)(case.values)
    one_by_one = np.concatenate([getattr(case.model, act)(case.values[row : row + 1]) for row in range(150)])
    np.testing.assert_array_equal(one_by_one, batch[:150])


def test_one_application_gets_the_pd_it_gets_in_a_batch(case: Case) -> None:
    batch = case.fitted.pd(case.values)
    np.testing.assert_array_equal([case.fitted.pd(case.values[row : row + 1])[0] for row in range(150)], batch[:150])


def test_permuted_applications_get_permuted_scores(case: Case) -> None:
    order = np.random.default_rng(0).permutation(ROWS)
    np.testing.assert_array_equal(case.model.score(case.values[order]), case.model.score(case.values)[order])


def test_no_application_gets_no_score(case: Case) -> None:
    assert case.model.score(case.values[:0]).shape == (0,)
    assert case.model.contributions(case.values[:0]).shape == (0, len(COLUMNS) + 1)


def test_every_score_is_finite_even_where_everything_is_missing_or_extreme(case: Case) -> None:
    numeric = np.array([known.kind == "numeric" for known in COLUMNS])
    rows = np.array([np.full(len(COLUMNS), np.nan), np.where(numeric, 1e308, 2.0), np.where(numeric, -1e308, 39.0)])
    rows[2, 1] = 3.0
    assert np.isfinite(case.model.log_odds(rows)).all()
    assert ((case.fitted.pd(rows) >= 0) & (case.fitted.pd(rows) <= 1)).all()


def test_the_same_seed_gives_the_same_bytes(case: Case) -> None:
    again = fit(case.candidate, case.matrix, case.target, case.out_of_fold.parameters)
    assert again.files() == case.model.files()


def test_calibrated_pds_are_frequencies(case: Case) -> None:
    rate = case.target.mean()
    assert case.out_of_fold.pd.mean() == pytest.approx(rate, rel=0.02)
    assert case.fitted.calibration.pd(case.out_of_fold.log_odds).mean() == pytest.approx(rate, rel=0.01)


def test_calibration_keeps_the_order(case: Case) -> None:
    order = np.argsort(case.model.log_odds(case.values), kind="stable")
    assert (np.diff(case.fitted.pd(case.values)[order]) >= -1e-15).all()


def test_every_candidate_but_the_first_ranks_better_than_chance(case: Case) -> None:
    defaulted = case.out_of_fold.log_odds[case.target == 1]
    repaid = case.out_of_fold.log_odds[case.target == 0]
    auc = (defaulted[:, None] > repaid).mean()
    assert auc > 0.65 or case.candidate.name == "dummy"


def test_defaults_lie_in_the_search_space(case: Case) -> None:
    asked: list[str] = []

    class Inside:
        def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
            return float(self._inside(name, low, high))

        def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
            return int(self._inside(name, low, high))

        def _inside(self, name: str, low: float, high: float) -> float:
            asked.append(name)
            value = case.candidate.defaults()[name]
            assert low <= value <= high
            return value

    suggested = case.candidate.suggest(Inside())
    assert suggested == {name: case.candidate.defaults()[name] for name in asked}
    assert bool(asked) == case.candidate.tunable


@pytest.mark.parametrize("of", CANDIDATES, ids=lambda known: known.name)
def test_an_absurd_value_does_not_stop_the_learning(of: Candidate) -> None:
    matrix, target = portfolio(200)
    values = matrix.values.copy()
    values[3, 3] = 1e300
    model = fit(of, replace(matrix, values=values), target, parameters(of))
    assert np.isfinite(model.contributions(values)).all()


@pytest.mark.parametrize("of", CANDIDATES, ids=lambda known: known.name)
@pytest.mark.parametrize("value", [0.1, np.nan])
def test_without_information_everybody_gets_the_same_score(of: Candidate, value: float) -> None:
    _, target = portfolio(200)
    matrix = FeatureMatrix(pl.Series("key", np.arange(200)), COLUMNS[:1], np.full((200, 1), value))
    model = fit(of, matrix, target, parameters(of))
    assert len(np.unique(model.score(np.array([[value], [0.2], [np.nan]])))) == 1
    assert not model.contributions(matrix.values)[:, 0].any()


@pytest.mark.parametrize("of", CANDIDATES, ids=lambda known: known.name)
def test_a_handful_of_applications_is_enough(of: Candidate) -> None:
    matrix, _ = portfolio(30)
    target = (np.arange(30) % 3 == 0).astype(np.int8)
    assert np.isfinite(fit(of, matrix, target, parameters(of)).log_odds(matrix.values)).all()


@pytest.mark.parametrize("of", CANDIDATES, ids=lambda known: known.name)
@pytest.mark.parametrize("outcome", [0, 1])
def test_one_outcome_teaches_nothing(of: Candidate, outcome: int) -> None:
    matrix, _ = portfolio(30)
    with pytest.raises(TrainingError, match=f"{30 * outcome} of 30 defaulted"):
        of.prepare(matrix, np.full(30, outcome, dtype=np.int8))


LEARNERS = [known for known in CANDIDATES if "positive_weight_power" in known.defaults()]


@pytest.mark.parametrize("of", LEARNERS, ids=lambda known: known.name)
def test_no_feature_teaches_nothing(of: Candidate) -> None:
    matrix, target = portfolio(30)
    with pytest.raises(TrainingError, match="at least one feature"):
        of.prepare(matrix.select(np.zeros(0, dtype=np.intp)), target)


@pytest.mark.parametrize("of", LEARNERS, ids=lambda known: known.name)
def test_what_was_prepared_serves_many_fits_at_once(of: Candidate) -> None:
    matrix, target = portfolio(2500)
    prepared = of.prepare(matrix, target)
    plans = [parameters(of) | {"positive_weight_power": power} for power in (0.0, 0.5, 0.0, 0.5)]
    alone = [of.fit(of.prepare(matrix, target), plan, 7).files() for plan in plans[:2]]
    with ThreadPoolExecutor(2) as workers:
        together = list(workers.map(lambda plan: of.fit(prepared, plan, 7).files(), plans))
    assert together == alone * 2
    assert alone[0] != alone[1]


@pytest.mark.parametrize("of", CANDIDATES, ids=lambda known: known.name)
def test_threads_change_no_byte(of: Candidate) -> None:
    matrix, target = portfolio(2500)
    prepared = of.prepare(matrix, target)
    plan = parameters(of)
    assert of.fit(prepared, plan, 7, threads=2).files() == of.fit(prepared, plan, 7, threads=1).files()


@pytest.mark.parametrize("of", CANDIDATES, ids=lambda known: known.name)
def test_settled_parameters_are_the_same_again_and_can_be_fitted(of: Candidate) -> None:
    matrix, target = portfolio(400)
    prepared = of.prepare(matrix, target)
    quick = {name: 0.1 for name in of.defaults() if name.endswith("learning_rate")}
    drawn = parameters(of) | quick
    settled = of.settle(prepared, drawn, 7)
    assert settled == of.settle(of.prepare(matrix, target), drawn, 7, threads=2)
    free = {"n_estimators", "lightgbm.n_estimators"} if of.name in {"lightgbm", "blend"} else set()
    assert {name for name in settled if settled[name] != drawn[name]} <= free
    assert np.isfinite(of.fit(prepared, settled, 7).log_odds(matrix.values)).all()


def test_only_likelihoods_without_weights_are_frequencies() -> None:
    plain = [known.name for known in LEARNERS if known.calibrated({"positive_weight_power": 0.0})]
    assert plain == ["logistic_regression", "lightgbm", "blend"]
    assert not any(known.calibrated({"positive_weight_power": 0.3}) for known in LEARNERS)
    assert candidate("dummy").calibrated({})


def declared(matrix: FeatureMatrix, **monotone: Literal[-1, 1]) -> FeatureMatrix:
    columns = tuple(replace(known, monotone=monotone.get(known.name, 0)) for known in matrix.columns)
    return replace(matrix, columns=columns)


HEEDFUL = [known for known in LEARNERS if known.name != "random_forest"]


@pytest.mark.parametrize("of", HEEDFUL, ids=lambda known: known.name)
@pytest.mark.parametrize("direction", [-1, 1])
def test_a_feature_declared_monotone_is_so_in_the_sealed_model(of: Candidate, direction: Literal[-1, 1]) -> None:
    matrix, target = portfolio(900)
    model = fit(of, declared(matrix, ratio=direction, age=direction, amount=direction), target, parameters(of))
    sealed = load_model(model.kind, model.files(), matrix.columns)
    for name in ("ratio", "age", "amount"):
        at = [known.name for known in COLUMNS].index(name)
        swept = np.unique(np.r_[matrix.values[:, at], -1e9, 1e9])
        swept = swept[~np.isnan(swept)]
        for row in matrix.values[:25]:
            rows = np.tile(row, (len(swept), 1))
            rows[:, at] = swept
            assert (np.diff(sealed.score(rows)) * direction >= -1e-12).all(), name
    free = fit(of, matrix, target, parameters(of))
    assert model.files() != free.files()


def seals() -> list[str]:
    matrix, target = portfolio(200)
    models = [fit(known, matrix, target, parameters(known)) for known in CANDIDATES]
    return [hashlib.sha256(b"".join(model.files().values())).hexdigest() for model in models]


def test_another_process_seals_the_same_bytes() -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); from test_candidates import seals; print(*seals())"
    here = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, here], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == seals()


def test_candidates_go_from_simple_to_rich_and_are_found_by_name() -> None:
    names = ["dummy", "scorecard", "logistic_regression", "random_forest", "lightgbm", "blend"]
    assert [known.name for known in CANDIDATES] == names
    assert all(candidate(known.name) is known for known in CANDIDATES)
    with pytest.raises(SettingsError, match="dummy, scorecard, logistic_regression"):
        candidate("perceptron")


NUMERIC = [0, 3, 4, 6, 7]


def clip(standard: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(standard, -5.0, 5.0)


@pytest.mark.parametrize(("power", "class_weight"), [(0.0, None), (1.0, "balanced")])
def test_logistic_regression_is_the_pipeline_of_scikit_learn(power: float, class_weight: str | None) -> None:
    matrix, target = portfolio()
    strength = float(candidate("logistic_regression").defaults()["C"])
    values = np.where(np.isnan(matrix.values), -1.0, matrix.values)
    values[:, NUMERIC] = matrix.values[:, NUMERIC]
    encoder = OneHotEncoder(categories=[[0.0, 1.0, 3.0], list(range(40))], handle_unknown="ignore")
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler(), FunctionTransformer(clip)), NUMERIC),
            ("gaps", MissingIndicator(), NUMERIC),
            ("categories", encoder, [1, 5]),
        ],
        sparse_threshold=0.0,
    )
    peer = make_pipeline(
        prepare,
        LogisticRegression(C=strength, class_weight=class_weight, solver="newton-cholesky", tol=1e-9, max_iter=500),
    ).fit(values, target)
    assert (np.abs(StandardScaler().fit_transform(values[:, [3]])) > 5.0).any(), "something must be clipped"
    model = fit(candidate("logistic_regression"), matrix, target, {"positive_weight_power": power})
    np.testing.assert_allclose(model.score(matrix.values), peer.decision_function(values), rtol=0, atol=1e-9)


def test_the_forest_is_the_forest_of_scikit_learn() -> None:
    matrix, target = portfolio()
    fresh, _ = portfolio(3000, seed=11)
    of = candidate("random_forest")
    chosen = parameters(of)
    numbers = SimpleImputer().fit(matrix.values[:, NUMERIC])

    def design(of_rows: FeatureMatrix) -> NDArray[np.float64]:
        nothing = np.zeros(len(of_rows.values))
        filled = numbers.transform(of_rows.values[:, NUMERIC])
        seen = [(1, code) for code in (0, 1, 3)] + [(5, code) for code in range(40)]
        flags = np.column_stack([of_rows.values[:, at] == code for at, code in seen])
        return np.column_stack([filled[:, :1], nothing, filled[:, 1:], flags])

    peer = RandomForestClassifier(
        n_estimators=chosen["n_estimators"],
        max_depth=chosen["max_depth"],
        min_samples_leaf=5,
        max_features=chosen["max_features"],
        max_samples=chosen["max_samples"],
        class_weight="balanced",
        random_state=7,
    ).fit(design(matrix), target)
    model = fit(of, matrix, target, chosen)
    for rows in (matrix, fresh):
        expected = peer.predict_proba(design(rows))[:, 1]
        np.testing.assert_allclose(model.score(rows.values), expected, rtol=0, atol=1e-12)
