"""From scores to PDs that are frequencies: everything about calibration is imported from here.

Four kinds, the simplest first: ``none`` (the sigmoid), ``platt``, ``beta`` and ``isotonic``. Training compares them on
cross-fitted out-of-fold scores and seals the winner (`compare_calibrations`); intervals around PDs are in
``scorewright.models.venn_abers``.
"""

from __future__ import annotations

from scorewright.models.calibrators.beta import Beta
from scorewright.models.calibrators.comparison import chosen_kind, compare_calibrations
from scorewright.models.calibrators.fitting import IDENTITY, calibration_from_dict, cross_fitted, fit_calibration
from scorewright.models.calibrators.isotonic import Isotonic
from scorewright.models.calibrators.likelihood import log_loss
from scorewright.models.calibrators.platt import SMALLEST_SLOPE, Platt, Uncalibrated
from scorewright.models.calibrators.seam import KINDS, Calibration, CalibrationKind

__all__ = [
    "IDENTITY",
    "KINDS",
    "SMALLEST_SLOPE",
    "Beta",
    "Calibration",
    "CalibrationKind",
    "Isotonic",
    "Platt",
    "Uncalibrated",
    "calibration_from_dict",
    "chosen_kind",
    "compare_calibrations",
    "cross_fitted",
    "fit_calibration",
    "log_loss",
]
