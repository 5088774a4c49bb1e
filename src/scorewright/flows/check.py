"""Check tables against a portfolio, without training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scorewright.domain.progress import Listener, silent
from scorewright.features.compile import compile_features
from scorewright.features.expressions import portfolio_expressions
from scorewright.flows.dataset import read_labelled
from scorewright.tables.contract import Contract, infer_contract
from scorewright.tables.portfolio import Portfolio
from scorewright.tables.turning import check_levers


@dataclass(frozen=True)
class Checked:
    """What the tables hold. Nothing was written."""

    contract: Contract
    rows: Mapping[str, int]
    absent: tuple[str, ...]
    features: int
    applications: int
    defaulted: int
    notices: tuple[str, ...]


def check_folder(portfolio: Portfolio, data: Path, listen: Listener = silent) -> Checked:
    """Read, check and describe the training tables of a portfolio, and compile its features.

    Raises
    ------
    DataError, PortfolioError
        The first rule that does not hold.
    """
    labelled = read_labelled(portfolio, data, listen)
    contract = infer_contract(portfolio, labelled.tables)
    check_levers(portfolio, contract)
    compiled = compile_features(portfolio, contract, portfolio_expressions(portfolio))
    return Checked(
        contract=contract,
        rows={name: frame.height for name, frame in labelled.tables.items()},
        absent=tuple(name for name in portfolio.tables if name not in labelled.tables),
        features=len(compiled.features),
        applications=len(labelled.target),
        defaulted=int(labelled.target.sum()),
        notices=labelled.notices,
    )
