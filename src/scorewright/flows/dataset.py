"""From a data folder to what candidates learn from, with the test set locked away first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.domain.matrix import FeatureMatrix
from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import TargetError
from scorewright.features.compile import CompiledFeatures, compile_features
from scorewright.features.encoding import Encoder, learn_columns
from scorewright.features.engine import FeatureEngine
from scorewright.features.expressions import Particulars, particulars, portfolio_expressions
from scorewright.features.monotone import learn_monotone
from scorewright.models.folds import hold_out
from scorewright.tables.contract import Contract, infer_contract
from scorewright.tables.loading import load_tables, open_data, restrict
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.types import Tables


@dataclass(frozen=True)
class Labelled:
    """Checked training tables with their target (0 repaid, 1 defaulted), shape (n,)."""

    portfolio: Portfolio
    tables: Tables
    target: NDArray[np.int8]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """What a training learns from.

    Parameters
    ----------
    contract : Contract
        What the training rows look like; the test set had no part in it.
    compiled : CompiledFeatures
        Every feature of the portfolio, with its money, hard rules and segments.
    matrix : FeatureMatrix
        All n labelled applications.
    particulars : Particulars
        Amounts, hard rules and segments of the same n applications.
    target : ndarray of int8, shape (n,)
        0 repaid, 1 defaulted.
    train_rows, test_rows : ndarray of intp
        The split; the test rows are looked at once, when everything is chosen.
    notices : tuple of str
        What was noticed while reading.
    """

    contract: Contract
    compiled: CompiledFeatures
    matrix: FeatureMatrix
    particulars: Particulars
    target: NDArray[np.int8]
    train_rows: NDArray[np.intp]
    test_rows: NDArray[np.intp]
    notices: tuple[str, ...] = ()


def read_labelled(portfolio: Portfolio, path: Path, listen: Listener = silent) -> Labelled:
    """Read and check the training tables.

    Raises
    ------
    DataError
        The data do not hold what the portfolio promises.
    """
    loaded = load_tables(open_data(portfolio, path), "train", listen=listen)
    target = read_target(portfolio, loaded.tables[portfolio.root])
    return Labelled(portfolio, loaded.tables, target, loaded.notices)


def read_target(portfolio: Portfolio, root: pl.DataFrame) -> NDArray[np.int8]:
    """Turn the target column into 0 (repaid) and 1 (defaulted), shape (n,).

    Raises
    ------
    TargetError
        A value is missing, there are not exactly two, or neither means "defaulted".
    """
    name, default = portfolio.target.column, portfolio.target.default
    column = root[name]
    values = column.unique().sort()
    remedy = f"Give {name} two values and say in portfolio.toml which one means defaulted."
    if column.null_count():
        raise TargetError(
            "Every training application needs an outcome.", f"{column.null_count()} empty in {name}", remedy
        )
    if len(values) != 2:
        raise TargetError(f"The target {name} must have two values.", f"{len(values)} different values", remedy)
    defaulted = column.cast(pl.String) == _as_text(default, column.dtype)
    if not defaulted.any():
        raise TargetError(f"One value of {name} must be the default value {default!r}.", f"{values.to_list()}", remedy)
    return defaulted.to_numpy().astype(np.int8)


def _as_text(value: bool | float | str, dtype: pl.DataType) -> str | None:
    """The text a declared value has in a column of a type; None where it cannot stand there."""
    text: str | None = pl.Series([value]).cast(dtype, strict=False).cast(pl.String)[0]
    return text


#: The seed of a training changes folds and fits, never the locked test set: two models trained on the same tables could
#: otherwise not be compared on rows that neither has seen.
_SPLIT_SEED = 0


def split(labelled: Labelled, test_share: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to train on and rows to lock away, the same for every training and promotion on the same tables.

    Raises
    ------
    TrainingError
        The rows cannot be split.
    """
    portfolio = labelled.portfolio
    date = portfolio.tables[portfolio.root].date
    dates = labelled.tables[portfolio.root][date].to_numpy() if date else None
    return hold_out(labelled.target, _SPLIT_SEED, test_share, dates)


def build_dataset(labelled: Labelled, test_share: float, listen: Listener = silent) -> Dataset:
    """Lock the test set away, then compile and compute the features.

    Contract, categories and the directions of features are learnt from the training rows alone.

    Raises
    ------
    FeatureSqlError, PortfolioError
        A feature or an expression of portfolio.toml cannot be computed, or a feature breaks what is declared monotone.
    TrainingError
        The rows cannot be split.
    """
    portfolio, root = labelled.portfolio, labelled.tables[labelled.portfolio.root]
    train, test = split(labelled, test_share)
    learnt = restrict(portfolio, labelled.tables, pl.Series(train))
    contract = infer_contract(portfolio, learnt)
    listen(Step("features", 0, 1))
    compiled = compile_features(portfolio, contract, portfolio_expressions(portfolio))
    computed = FeatureEngine(portfolio, compiled).compute_all(labelled.tables)
    monotone = learn_monotone(portfolio, compiled, learnt)
    columns = learn_columns(computed.features[pl.Series(train)], compiled, monotone)
    matrix = Encoder(columns, unseen="null").encode(computed.features, root[portfolio.key])
    beside = particulars(portfolio, computed.extra)
    listen(Step("features", 1, 1, f"{len(matrix.columns)} features"))
    return Dataset(contract, compiled, matrix, beside, labelled.target, train, test, labelled.notices)
