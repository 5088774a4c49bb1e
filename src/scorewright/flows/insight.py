"""What moves the winner: its importances, effects, interactions and stability, all out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scorewright.domain.evaluation import Importance, Interval
from scorewright.domain.explanations import FeatureInsight, Insight
from scorewright.domain.progress import Listener, Step, silent
from scorewright.explain.dependence import dependence, direction
from scorewright.explain.held_out import Floats, HeldOut, evenly
from scorewright.explain.importance import by_raw_column, by_table, global_importance
from scorewright.explain.interactions import interactions
from scorewright.explain.permutation import permutation_falls
from scorewright.explain.stability import kendall_w, rank_ranges
from scorewright.explain.swarm import swarm
from scorewright.flows.contest import Entrant, Ground
from scorewright.models.blend import Blend
from scorewright.models.cores import cores, side_by_side
from scorewright.models.trees import Trees
from scorewright.tables.portfolio import Portfolio

#: Held-out applications of each fold that are looked at. To share out a score takes far longer in a large model (in
#: sealed bytes) than in a small one, and ranks are stable with fewer.
ROWS_PER_FOLD, ROWS_OF_LARGE, LARGE = 2000, 400, 500_000

#: How many features, by mean absolute contribution, are shuffled, described by bins, paired and drawn.
SHUFFLED, DESCRIBED, PAIRED, DRAWN = 40, 12, 6, 15

_TASK = "explaining"
_DIGITS = 6
_Told = TypeVar("_Told")


@dataclass(frozen=True)
class _Fold:
    """A fold's applications to score, those of them whose scores were shared out, and the gains of its model."""

    held_out: HeldOut
    values: Floats
    contributions: Floats
    gains: Floats | None


@dataclass(frozen=True)
class _Measured:
    """Measures of all features, in the order of the matrix, and how far the folds agree on their ranks."""

    gains: Floats | None
    falls: Mapping[int, Interval | None]
    best: NDArray[np.intp]
    worst: NDArray[np.intp]
    agreement: float


def insight_of(entrant: Entrant, ground: Ground, listen: Listener = silent) -> Insight:
    """Say what moves a candidate's scores, by models that never saw the applications they score.

    The candidate is fitted again on each fold's rows of training, in the folds of the first repeat, with its settled
    parameters and the features of the sealed model. Contributions stay on the model's scale: log-odds, but for a
    forest, whose contributions are shares of a probability. The same entrant and ground give the same insight.

    Parameters
    ----------
    entrant : Entrant
        The winner.
    ground : Ground
        What it was trained on.
    listen : Listener
        Told of each fold and measure done.

    Returns
    -------
    Insight
        Numbers to six significant digits. All is measured on at most `ROWS_PER_FOLD` held-out applications of each
        fold, evenly spread; contributions of a large model on `ROWS_OF_LARGE` of them.
    """
    columns = ground.final.matrix.columns
    folds = _folds(entrant, ground, listen)
    values = np.concatenate([fold.values for fold in folds])
    contributions = np.concatenate([fold.contributions for fold in folds])
    features = global_importance(contributions, columns)
    place = {column.name: at for at, column in enumerate(columns)}
    top = [place[one.name] for one in features if one.value > 0.0]
    measured = _measured(folds, top, ground.plan.seed)
    listen(Step(_TASK, len(folds) + 1, len(folds) + 2, "interactions"))
    pairs = interactions([fold.held_out for fold in folds], columns, top[:PAIRED])
    listen(Step(_TASK, len(folds) + 2, len(folds) + 2))
    seen = [(column, values[:, at], contributions[:, at]) for at, column in enumerate(columns)]
    insight = Insight(
        features=tuple(_feature(one, measured, place[one.name], direction(*seen[place[one.name]])) for one in features),
        raw_columns=by_raw_column(contributions, columns, raw_labels(ground.portfolio)),
        tables=by_table(contributions, columns),
        dependences=tuple(dependence(*seen[at]) for at in top[:DESCRIBED]),
        interactions=pairs,
        agreement=measured.agreement,
        swarms=tuple(swarm(*seen[at]) for at in top[:DRAWN]),
    )
    return _rounded(insight)


def raw_labels(portfolio: Portfolio) -> dict[str, str]:
    """Give the English labels of raw columns, by ``"table.column"``."""
    specs = portfolio.tables.items()
    return {f"{table}.{name}": f"{label.en} ({table})" for table, spec in specs for name, label in spec.labels.items()}


def _folds(entrant: Entrant, ground: Ground, listen: Listener) -> list[_Fold]:
    """Fit the candidate without each fold in turn and let it explain the fold."""
    lesson, candidate = ground.final, entrant.candidate
    matrix, target, fold_of_row = lesson.matrix, lesson.target, lesson.fold_of_row

    def explained(fold: int) -> _Fold:
        learn, own = np.flatnonzero(fold_of_row != fold), np.flatnonzero(fold_of_row == fold)
        prepared = candidate.prepare(matrix.take(learn), target[learn])
        model = candidate.fit(prepared, entrant.first.parameters, lesson.seed)
        rows = own[evenly(len(own), ROWS_PER_FOLD)]
        large = sum(map(len, model.files().values())) > LARGE
        few = matrix.values[rows[evenly(len(rows), ROWS_OF_LARGE if large else ROWS_PER_FOLD)]]
        gains = model.gains() if isinstance(model, Trees | Blend) else None
        scored = HeldOut(matrix.values[rows], target[rows], model.score)
        return _Fold(scored, few, model.contributions(few), gains)

    folds = []
    for fold in side_by_side(explained, range(lesson.folds), cores()):
        folds.append(fold)
        listen(Step(_TASK, len(folds), lesson.folds + 2, "folds"))
    return folds


def _measured(folds: Sequence[_Fold], top: Sequence[int], seed: int) -> _Measured:
    gains = [fold.gains for fold in folds if fold.gains is not None]
    means = np.array([np.abs(fold.contributions[:, :-1]).mean(axis=0) for fold in folds])
    best, worst = rank_ranges(means)
    return _Measured(
        gains=np.mean(gains, axis=0, dtype=np.float64) if gains else None,
        falls=permutation_falls([fold.held_out for fold in folds], top[:SHUFFLED], seed),
        best=best,
        worst=worst,
        agreement=kendall_w(means),
    )


def _feature(importance: Importance, measured: _Measured, at: int, direction_of: float) -> FeatureInsight:
    return FeatureInsight(
        importance=importance,
        gain=None if measured.gains is None else float(measured.gains[at]),
        permutation=measured.falls.get(at),
        direction=direction_of,
        rank_low=int(measured.best[at]),
        rank_high=int(measured.worst[at]),
    )


def _rounded(told: _Told) -> _Told:
    """Round every number in it to what is significant."""
    found: Any = told
    if isinstance(told, float):
        found = float(f"{told:.{_DIGITS}g}")
    elif isinstance(told, tuple):
        found = tuple(_rounded(part) for part in told)
    elif is_dataclass(told) and not isinstance(told, type):
        found = replace(told, **{field.name: _rounded(getattr(told, field.name)) for field in fields(told)})
    return found  # type: ignore[no-any-return]
