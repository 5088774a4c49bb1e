"""A model made by hand for the made-up loans: PDs fall with income, amounts and hard rules are stated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scorewright.bundle.contents import Bundle, Contents, Provenance
from scorewright.bundle.scorer import Scorer
from scorewright.decision.cases import Cases
from scorewright.decision.declared import cases_of, declared_policy, of_rows, with_declared_referral
from scorewright.decision.policy import Policy
from scorewright.flows.champion import LoadedModel
from scorewright.flows.dataset import build_dataset, read_labelled
from scorewright.models.calibration import IDENTITY
from scorewright.monitor.profile import build_profile
from scorewright.registry.seam import ModelVersion
from scorewright.tables.loading import fingerprint, open_data
from scorewright.tables.portfolio import portfolio_from_files
from tests.made_up import loans

THRESHOLD = 0.3
BOOK = """
[portfolio]
name = "book"
label = { en = "Book", fr = "Livre" }
[target]
column = "status"
default = "charged off"
[tables.application]
train = "loans"
score = "new"
key = "loan id"
never = ["remark", "opened"]
"""
MONEY = """
[money]
exposure = "income * 2"
annuity = "income / 10"
lgd = 0.5
margin_rate = 0.2
referral_cost = 3.0
currency = "EUR"
"""
RULES = """
[policy]
version = "7"
{more}
[policy.rules.far]
when = "purpose = 'travel' AND \\"order\\" = 0"
outcome = "refer"
label = {{ en = "Far away", fr = "Loin" }}
[policy.rules.poor]
when = "income < 1200"
outcome = "refuse"
label = {{ en = "Low income", fr = "Petit revenu" }}
"""


@dataclass(frozen=True)
class Slope:
    """Log-odds fall by one with each 1500 of income."""

    place: int
    columns: int
    kind: ClassVar[Any] = "linear"
    scale: ClassVar[Any] = "log-odds"

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1.5 - np.nan_to_num(values[:, self.place], nan=2000.0) / 1500

    log_odds = score

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = np.zeros((len(values), self.columns + 1))
        parts[:, self.place] = self.score(values)
        return parts

    def files(self) -> dict[str, bytes]:
        return {}


def made_model(folder: Path, toml: str = BOOK, change: Callable[[Policy, Cases], Policy] | None = None) -> LoadedModel:
    """Write the loans and make a model of them, its policy as declared or as changed."""
    loans().write_csv(folder / "loans.csv")
    files = {"portfolio.toml": toml.encode(), "features/application.sql": b"SELECT * FROM application"}
    portfolio = portfolio_from_files(files, "book")
    dataset = build_dataset(read_labelled(portfolio, folder), 0.25)
    names = [column.name for column in dataset.matrix.columns]
    model = Slope(names.index("income"), len(names))
    train = dataset.matrix.take(dataset.train_rows)
    pd = IDENTITY.pd(model.log_odds(train.values))
    policy = declared_policy(portfolio, THRESHOLD)
    reference = cases_of(policy, pd, of_rows(dataset.particulars, dataset.train_rows))
    policy = with_declared_referral(policy, portfolio.policy, reference)
    policy = change(policy, reference) if change else policy
    contents = Contents(
        provenance=Provenance("by_hand", fingerprint(open_data(portfolio, folder)), 7, {}),
        portfolio=portfolio,
        contract=dataset.contract,
        columns=dataset.matrix.columns,
        model=model,
        calibration=IDENTITY,  # type: ignore[arg-type]
        policy=policy,
        profile=build_profile(train, pd, pd >= THRESHOLD),
        metrics={"plan": {"test_share": 0.25}},
        card="",
    )
    version = ModelVersion("book", "1", "0" * 64, "by_hand", "run", datetime(2026, 1, 1, tzinfo=UTC))
    return LoadedModel(version, Scorer(Bundle("0" * 64, contents), unseen="null"))


def unlabelled(folder: Path) -> Path:
    """Write applications without their outcome."""
    folder.mkdir()
    loans(60).drop("status").write_csv(folder / "new.csv")
    return folder


def other_labelled(folder: Path) -> Path:
    """Write labelled loans that no training saw."""
    folder.mkdir()
    loans(500)[400:].with_columns(pl.col("loan id") + "x").write_csv(folder / "loans.csv")
    return folder
