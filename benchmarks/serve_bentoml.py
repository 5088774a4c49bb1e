"""The champion's trees behind BentoML, as its guide to adaptive batching has it: a service with a batchable method.

``bentoml serve serve_bentoml:Champion`` in this folder, in the environment of ``requirements/serve-peers.txt``; started
by ``benchmarks/serve.py``. ``SERVED_TREES`` names the model, in LightGBM's own text format.
"""

from __future__ import annotations

import os

import bentoml
import lightgbm
import numpy as np


@bentoml.service(workers=1)
class Champion:
    """Predicts from features that are ready."""

    def __init__(self) -> None:
        self.trees = lightgbm.Booster(model_file=os.environ["SERVED_TREES"])

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Predict for the rows of all requests that wait."""
        return self.trees.predict(rows)
