"""Trees in LightGBM's text format: boosted, or a forest's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from scorewright.models import numbers, tree_text
from scorewright.models.seam import ModelKind, Scale

if TYPE_CHECKING:
    from lightgbm import Booster
    from numpy.typing import NDArray

_THREADS = 2
_ROWS_PER_THREAD = 64


@dataclass(frozen=True)
class Trees:
    """Scores by adding the leaves that an application falls into.

    Parameters
    ----------
    text : bytes
        The trees, in LightGBM's text format.
    scale : {"log-odds", "probability"}
        Scale of the sum: boosted trees add log-odds, a forest shares of a probability.
    booster : lightgbm.Booster
        The same trees, ready to score.
    """

    text: bytes
    scale: Scale
    booster: Booster
    kind: ClassVar[ModelKind] = "trees"

    def score(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score n applications: shape (n,), log-odds or probabilities."""
        scores = self._predict(values, raw_score=True)
        return scores if self.scale == "log-odds" else np.clip(scores, 0.0, 1.0)

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring ``score`` to log-odds: shape (n,)."""
        scores = self.score(values)
        return scores if self.scale == "log-odds" else numbers.logit(scores)

    def contributions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give SHAP values and the base value: shape (n, p + 1), rows summing to ``score``.

        Path-dependent TreeSHAP (Lundberg et al. 2020, *From local explanations to global understanding with explainable
        AI for trees*): the base value is the mean score over the rows of training.
        """
        return self._predict(values, pred_contrib=True)

    def gains(self) -> NDArray[np.float64] | None:
        """Give each feature's share of what all splits gained: shape (p,), adding up to 1.

        What a split gains is the fall of the penalised loss that it was chosen for (Chen & Guestrin 2016, *XGBoost: A
        Scalable Tree Boosting System*, equation 7), as LightGBM wrote it down. None where nothing was written down, as
        for a forest, or nothing was gained.
        """
        gained = np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)
        total = float(gained.sum())
        return gained / total if total > 0.0 else None

    def files(self) -> Mapping[str, bytes]:
        """Seal as one text file that LightGBM reads in any language."""
        return {tree_text.FILE: self.text}

    @classmethod
    def load(cls, files: Mapping[str, bytes], features: int) -> Trees:
        """Read the sealed file for `features` columns. Raises ``BundleCorruptError``."""
        import lightgbm

        text = files.get(tree_text.FILE, b"")
        scale: Scale = "log-odds" if tree_text.check(text, features) else "probability"
        try:
            return cls(text, scale, lightgbm.Booster(model_str=text.decode("ascii")))
        except lightgbm.basic.LightGBMError as error:
            raise numbers.corrupt(tree_text.FILE, str(error)[:200]) from error

    def _predict(self, values: NDArray[np.float64], **what: Any) -> NDArray[np.float64]:
        if not len(values):
            return np.zeros((0, values.shape[1] + 1) if "pred_contrib" in what else 0)
        threads = _THREADS if len(values) > _ROWS_PER_THREAD else 1
        return np.asarray(self.booster.predict(values, num_threads=threads, **what), dtype=np.float64)
