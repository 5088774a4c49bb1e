"""Candidates learn here; what they learn is sealed in open formats and scored here, in training as in service.

Nothing that scores imports scikit-learn or optuna: ``loading``, ``prior``, ``linear``, ``trees`` and ``calibration``
need numpy, and LightGBM once a model made of trees is loaded.
"""
