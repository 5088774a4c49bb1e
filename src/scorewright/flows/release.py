"""Release: move the champion alias, after a comparison on the locked test set, and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from scorewright.bundle.contents import Contents
from scorewright.bundle.scorer import Scores
from scorewright.decision.bootstrap import Resampling
from scorewright.decision.strategy import Prices, compare
from scorewright.domain.evaluation import Interval
from scorewright.domain.progress import Listener, silent
from scorewright.errors import NoModelError, PromotionRefusedError, SettingsError
from scorewright.flows.champion import LoadedModel, chosen_portfolio, load_version
from scorewright.flows.dataset import read_labelled, split
from scorewright.registry.seam import ModelVersion, Registry
from scorewright.tables.loading import fingerprint, hold, open_data, restrict
from scorewright.tables.types import Tables


@dataclass(frozen=True)
class Promotion:
    """The comparison that a promotion rests on.

    Parameters
    ----------
    before, after : ModelVersion
        Champion until now, and the new one.
    difference : Interval or None
        Cost per application of the new champion minus the old one's on the test set; None where there was none.
    applications : int
        Size of the test set.
    """

    before: ModelVersion | None
    after: ModelVersion
    difference: Interval | None
    applications: int


def promote(
    registry: Registry, portfolio: str | None, data: Path, wanted: str = "challenger", listen: Listener = silent
) -> Promotion:
    """Make a version the champion if it loses no more money on the locked test set.

    The test set is the one that every training on these tables locks away: neither model has seen it, unless the
    champion was trained on other tables that hold some of these applications, which can only favour the champion. Both
    decide it by their own policy, hard rules and referrals included; a referral is priced as the PD alone would decide.

    Raises
    ------
    PromotionRefusedError
        The challenger costs more, or the data are not those it was trained on.
    """
    name = chosen_portfolio(registry, portfolio)
    challenger = load_version(registry, name, wanted, unseen="null")
    champion = _champion(registry, name)
    if champion is not None and champion.version.version == challenger.version.version:
        raise PromotionRefusedError(
            "Another version must be promoted.", f"version {champion.version.version} is champion", _TRAIN
        )
    difference, rows = (None, 0) if champion is None else _compare(champion, challenger, data, listen)
    if difference is not None and difference.estimate > 0:
        raise PromotionRefusedError(
            "The challenger must cost no more than the champion on the locked test set.",
            f"{difference.estimate:+.4f} per application ({difference.low:+.4f} to {difference.high:+.4f})",
            "Keep the champion, or train a better challenger.",
        )
    registry.set_alias(name, "champion", challenger.version.version)
    return Promotion(champion.version if champion else None, registry.version(name, "champion"), difference, rows)


_TRAIN = "Train a challenger first."
_RESAMPLES = 2000


def rollback(registry: Registry, portfolio: str | None) -> ModelVersion:
    """Give the champion alias back to the version that held it before.

    Raises
    ------
    NoModelError
        No version held it before, or its bundle no longer verifies.
    """
    name = chosen_portfolio(registry, portfolio)
    previous = registry.previous(name, "champion")
    if previous is None:
        raise NoModelError(
            "There must be a champion to go back to.", "none before this one", "Promote a version instead."
        )
    load_version(registry, name, previous)
    registry.set_alias(name, "champion", previous)
    return registry.version(name, "champion")


def _champion(registry: Registry, name: str) -> LoadedModel | None:
    try:
        registry.version(name, "champion")
    except NoModelError:
        return None
    return load_version(registry, name, "champion", unseen="null")


def _compare(champion: LoadedModel, challenger: LoadedModel, data: Path, listen: Listener) -> tuple[Interval, int]:
    contents = challenger.scorer.bundle.contents
    _check_fingerprint(contents, data)
    labelled = read_labelled(contents.portfolio, data, listen)
    _, test = split(labelled, float(contents.metrics["plan"]["test_share"]))
    tables = restrict(contents.portfolio, labelled.tables, pl.Series(test))
    old, new = (_test_scores(model, tables) for model in (champion, challenger))
    difference = compare(
        old.decided,
        new.decided,
        labelled.target[test],
        Prices(contents.policy.costs),
        Resampling(_RESAMPLES, seed=contents.provenance.seed),
    )
    if difference.cost is None:
        raise AssertionError("The outcomes of the test set are known.")
    return difference.cost, len(test)


def _test_scores(model: LoadedModel, tables: Tables) -> Scores:
    """What a model decides on tables that were read under another model's contract."""
    contents = model.scorer.bundle.contents
    return model.scorer.score(hold(contents.portfolio, tables, model.scorer.sealed))


def _check_fingerprint(contents: Contents, data: Path) -> None:
    if fingerprint(open_data(contents.portfolio, data)) != contents.provenance.fingerprint:
        raise SettingsError(
            "The comparison needs the tables the challenger was trained on.",
            f"other contents in {data}",
            "Point --data at them, or train again on these.",
        )
