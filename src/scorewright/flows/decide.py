"""Decide one application: what the service and `scorewright explain` answer."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from pathlib import Path
from typing import Any

from scorewright.decision.cases import Cases, words
from scorewright.domain.decisions import NOTHING, Decision, Include, ModelInfo, Simulated
from scorewright.flows.champion import LoadedModel
from scorewright.flows.explaining import Explainer
from scorewright.tables.loading import load_tables, open_data, require_application
from scorewright.tables.types import Tables


class ModelService:
    """Decides with one loaded model; implements `scorewright.domain.decisions.DecisionService`.

    Parameters
    ----------
    loaded : LoadedModel
        The version that answers.
    top : int
        How many contributions and places an answer names.
    """

    def __init__(self, loaded: LoadedModel, top: int = 10) -> None:
        self._loaded = loaded
        self._explainer = Explainer(loaded.scorer, top)

    def model(self) -> ModelInfo:
        """Say which model answers."""
        contents = self._loaded.scorer.bundle.contents
        return ModelInfo(
            portfolio=contents.portfolio.name,
            version=self._loaded.version.version,
            bundle=self._loaded.scorer.bundle.digest,
            candidate=contents.provenance.candidate,
            scale=contents.model.scale,
            threshold=contents.policy.threshold,
            features=len(contents.columns),
            tables=tuple(contents.contract.tables),
            policy=contents.policy.info,
        )

    def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
        """Decide one application given as raw rows by table, and explain what is asked for."""
        return self.decide_tables(self._loaded.scorer.read(application), include)

    def simulate(
        self,
        application: Mapping[str, Any],
        changes: Mapping[str, Mapping[str, Any]],
        include: frozenset[Include] = NOTHING,
    ) -> Simulated:
        """Decide an application as it is, and with `changes` laid over the row of the root table."""
        before = self.decide(application, include)
        root = self._loaded.scorer.bundle.contents.portfolio.root
        changed = {**application, root: {**application[root], **changes.get(root, {})}}
        return Simulated(before, self.decide(changed, include))

    def decide_tables(self, tables: Tables, include: frozenset[Include] = NOTHING) -> Decision:
        """Decide the only application of checked tables."""
        scores, model = self._loaded.scorer.score(tables), self.model()
        return Decision(
            application=scores.matrix.keys[0],
            pd=float(scores.pd[0]),
            outcome=scores.decided.outcomes[0],
            model=model,
            opinion=words(scores.decided.opinion)[0],
            rules=scores.decided.rules_of(0),
            interval=_first_interval(scores.cases),
            loan_threshold=_known(scores.decided.thresholds[0]) if model.policy.rule == "money" else None,
            **self._explainer.explain(scores, tables, include),
        )

    def example(self) -> Mapping[str, Any]:
        """Give a made-up application that the model accepts."""
        return self._loaded.scorer.example()

    def decide_from_folder(self, data: Path, key: int | str, include: frozenset[Include] = NOTHING) -> Decision:
        """Decide one application of a data folder, and explain what is asked for.

        Raises
        ------
        UnknownApplicationError
            The key is in neither the score file nor the training file.
        """
        portfolio = self._loaded.scorer.bundle.contents.portfolio
        folder = open_data(portfolio, data)
        tables = load_tables(folder, "score", self._loaded.scorer.sealed, only=[key]).tables
        if tables[portfolio.root].is_empty():
            tables = load_tables(folder, "train", self._loaded.scorer.sealed, only=[key]).tables
        require_application(tables, portfolio, key)
        return self.decide_tables(tables, include)


def _first_interval(cases: Cases) -> tuple[float, float] | None:
    return None if cases.low is None or cases.high is None else (float(cases.low[0]), float(cases.high[0]))


def _known(threshold: float) -> float | None:
    return None if isnan(threshold) else float(threshold)
