"""Decide one application: what the service and `scorewright explain` answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

from scorewright.bundle.manifest import json_bytes, sha256
from scorewright.bundle.scorer import Scored, Scores
from scorewright.decision.cases import Cases
from scorewright.domain.decisions import NOTHING, Decision, Include, ModelInfo, Simulated
from scorewright.domain.service import Judged, Wish
from scorewright.errors import ScorewrightError
from scorewright.flows.champion import LoadedModel
from scorewright.flows.explaining import Explainer
from scorewright.tables.inputs import InputCheck, Inputs, Suspects
from scorewright.tables.loading import load_tables, open_data, require_application
from scorewright.tables.schema import application_schema
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
        sealed = loaded.scorer.sealed
        self._inputs = InputCheck(loaded.scorer.bundle.contents.portfolio, sealed.contract, sealed.used)
        self._model = _info(loaded)

    def model(self) -> ModelInfo:
        """Say which model answers."""
        return self._model

    def decide(self, application: Mapping[str, Any], include: frozenset[Include] = NOTHING) -> Decision:
        """Decide one application given as raw rows by table, and explain what is asked for."""
        tables = self._loaded.scorer.read(application)
        inputs = self._admitted(application)
        return self.decision_of(self._loaded.scorer.score(tables), tables, include, inputs)

    def _admitted(self, application: Mapping[str, Any], suspects: Suspects | None = None) -> Inputs:
        """Look at what a checked application brings. Raises ``CoverageError`` and ``RangesError``."""
        inputs = self._inputs.check(application, suspects)
        self._inputs.require(inputs)
        return inputs

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
        return self.decision_of(self._loaded.scorer.score(tables), tables, include)

    def decision_of(
        self, scores: Scores, tables: Tables, include: frozenset[Include] = NOTHING, inputs: Inputs | None = None
    ) -> Decision:
        """Say the decision on the only application of `scores`, made from `tables`, and explain what is asked for."""
        return self._decision(scores, 0, inputs, self._explainer.explain(scores, tables, include))

    def _decision(self, scores: Scores, row: int, inputs: Inputs | None, explained: Mapping[str, Any]) -> Decision:
        """Say the decision on one application of `scores`, with what is explained of it."""
        model = self._model
        return Decision(
            application=scores.keys[row],
            pd=float(scores.pd[row]),
            outcome=scores.decided.outcomes[row],
            model=model,
            opinion=scores.decided.opinions[row],
            rules=scores.decided.rules_of(row),
            interval=_interval(scores.cases, row),
            loan_threshold=_known(scores.decided.thresholds[row]) if model.policy.rule == "money" else None,
            coverage=None if inputs is None else inputs.coverage,
            outside=() if inputs is None else tuple(each.name for each in inputs.outside),
            **explained,
        )

    def example(self) -> Mapping[str, Any]:
        """Give a made-up application that the model accepts."""
        return self._loaded.scorer.example()

    def decide_each(self, wishes: Sequence[Wish]) -> list[Judged | ScorewrightError]:
        """Decide applications of several callers, each as it would be alone; one that is refused fails by itself."""
        scored = self._loaded.scorer.score_each([wish.application for wish in wishes])
        batches = {id(each.together): each.together for each in scored if isinstance(each, Scored)}
        suspects = {batch: self._inputs.suspects(together.tables) for batch, together in batches.items()}
        return [
            each if isinstance(each, ScorewrightError) else self._judged(wish, each, suspects[id(each.together)])
            for wish, each in zip(wishes, scored, strict=True)
        ]

    def _judged(self, wish: Wish, scored: Scored, suspects: Suspects) -> Judged | ScorewrightError:
        try:
            inputs, explained = self._admitted(wish.application, suspects), dict[str, Any]()
            if wish.include:
                explained = self._explainer.explain(scored.scores, scored.tables, wish.include)
            decision = self._decision(scored.together.scores, scored.row, inputs, explained)
        except ScorewrightError as error:
            return error
        return Judged(decision, scored.together.digests[scored.row])

    def schema(self) -> Mapping[str, Any]:
        """Give the JSON schema of the applications that the model accepts."""
        return application_schema(self._loaded.scorer.bundle.contents.portfolio, self._loaded.scorer.sealed)

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


def _info(loaded: LoadedModel) -> ModelInfo:
    contents = loaded.scorer.bundle.contents
    return ModelInfo(
        portfolio=contents.portfolio.name,
        version=loaded.version.version,
        bundle=loaded.scorer.bundle.digest,
        candidate=contents.provenance.candidate,
        scale=contents.model.scale,
        threshold=contents.policy.threshold,
        features=len(contents.columns),
        tables=tuple(contents.contract.tables),
        policy=replace(contents.policy.info, digest=sha256(json_bytes(contents.policy.to_dict()))),
    )


def _interval(cases: Cases, row: int) -> tuple[float, float] | None:
    return None if cases.low is None or cases.high is None else (float(cases.low[row]), float(cases.high[row]))


def _known(threshold: float) -> float | None:
    return None if isnan(threshold) else float(threshold)
