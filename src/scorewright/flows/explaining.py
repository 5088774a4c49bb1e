"""Explain decisions: what one bundle can say of its own scores, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.bundle.scorer import Scorer, Scores
from scorewright.decision.cases import REFUSE
from scorewright.domain.decisions import Include
from scorewright.domain.explanations import Place, PointScale, Reasons
from scorewright.explain.local import largest, shared_contributions
from scorewright.explain.reasons import ReasonBook, reason_terms
from scorewright.explain.shares import Scored, SharedOut, check_additive, share_out
from scorewright.explain.standing import place_feature, place_pd
from scorewright.flows.recourse import find_recourse
from scorewright.tables.types import Tables

#: Parts that are made from the contributions.
_SHARED: frozenset[Include] = frozenset({"contributions", "points", "reasons", "standing"})


class Explainer:
    """Explains the decisions of one bundle. Compiled once; nothing in it changes.

    Parameters
    ----------
    scorer : Scorer
        Whose decisions are explained.
    top : int
        How many contributions and places an answer names.
    """

    def __init__(self, scorer: Scorer, top: int = 10) -> None:
        contents = scorer.bundle.contents
        self._scorer, self._top = scorer, top
        self._profiles = contents.profile.features
        typical = {profile.name: profile.approved_typical for profile in self._profiles}
        self._book = ReasonBook(reason_terms(contents.portfolio), contents.columns, typical)

    def explain(self, scores: Scores, tables: Tables, include: frozenset[Include]) -> dict[str, Any]:
        """Give the fields of `Decision` that hold the parts asked for, of the only application of `tables`.

        Raises
        ------
        AdditivityError
            The contributions do not add up to the score: nothing is explained.
        """
        found: dict[str, Any] = {}
        if include & _SHARED:
            told = _Told(self._scorer, scores)
            if "contributions" in include:
                found |= self._contributions(told)
            if "points" in include:
                found |= self._points(told)
            if "reasons" in include:
                found["reasons"] = self.reasons(told)
            if "standing" in include:
                found["places"] = self._places(told)
        if "recourse" in include:
            found["recourse"] = find_recourse(self._scorer, tables)
        return found

    def reasons(self, told: _Told, row: int = 0) -> Reasons:
        """Give the reasons of one score."""
        shares, scores = told.shares, told.scores
        moved, points = shares.log_odds.shares[row], shares.points.shares[row]
        return self._book.reasons(
            moved, points, scores.matrix.values[row], refused=bool(scores.decided.opinion[row] == REFUSE)
        )

    def _contributions(self, told: _Told) -> dict[str, Any]:
        own = told.contributions[0]
        named = largest(own, told.scores.matrix.columns, told.scores.matrix.values[0], self._top)
        return {"contributions": named, "base": float(own[-1]), "score": float(own.sum())}

    def _points(self, told: _Told) -> dict[str, Any]:
        matrix = told.scores.matrix
        shared = shared_contributions(told.shares, matrix.columns, matrix.values)
        return {"shares": told.shares.totals(), "shared": shared, "point_scale": PointScale()}

    def _places(self, told: _Told) -> tuple[Place, ...]:
        matrix, own = told.scores.matrix, told.contributions[0, :-1]
        moved = [at for at in np.argsort(-np.abs(own), kind="stable")[: self._top].tolist() if own[at] != 0.0]
        among = (place_feature(matrix.columns[at], self._profiles[at], matrix.values[0, at]) for at in moved)
        return (place_pd(self._scorer.bundle.contents.profile.pd, float(told.scores.pd[0])), *among)


@dataclass(frozen=True)
class _Told:
    """Contributions to some scores, and their shares on every scale, made when first asked for."""

    scorer: Scorer
    scores: Scores

    @cached_property
    def contributions(self) -> NDArray[np.float64]:
        """On the model's own scale, shape (n, p + 1); checked."""
        found = self.scorer.contributions(self.scores.matrix)
        check_additive(found, self._score)
        return found

    @cached_property
    def shares(self) -> SharedOut:
        """On every scale."""
        contents = self.scorer.bundle.contents
        scored = Scored(self.contributions, self._score, self.scores.log_odds, contents.model.scale)
        return share_out(scored, contents.calibration.pd)

    @cached_property
    def _score(self) -> NDArray[np.float64]:
        model = self.scorer.bundle.contents.model
        return self.scores.log_odds if model.scale == "log-odds" else model.score(self.scores.matrix.values)
