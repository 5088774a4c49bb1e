"""Trainings, model versions and their aliases, written down where they can be found again.

Training knows nothing of this room: it yields a `TrainingRecord` and sealed bundles, and the registry keeps them, in
MLflow or in a plain folder. MLflow has its only home here, and is not imported before it is used.
"""

from __future__ import annotations

from scorewright.registry.opening import open_registry
from scorewright.registry.seam import ModelVersion, Registry

__all__ = ["ModelVersion", "Registry", "open_registry"]
