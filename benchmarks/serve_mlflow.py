"""The champion's trees as MLflow models: ``serve_mlflow.py TREES FEATURES FOLDER``.

Runs in the environment of ``requirements/serve-peers.txt``, started by ``benchmarks/serve.py``, which then starts
``mlflow models serve`` on each. ``FOLDER/signed`` has a signature, as MLflow asks for and warns without: it then checks
the type of every column of every request. ``FOLDER/bare`` has none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import lightgbm
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature


def log(trees: str, features: str, folder: Path) -> None:
    """Write both models."""
    model = lightgbm.Booster(model_file=trees)
    table = pd.DataFrame(np.load(features), columns=model.feature_name())
    signature = infer_signature(table, model.predict(table))
    mlflow.lightgbm.save_model(model, str(folder / "signed"), signature=signature, pip_requirements=[])
    mlflow.lightgbm.save_model(model, str(folder / "bare"), pip_requirements=[])


if __name__ == "__main__":
    log(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
