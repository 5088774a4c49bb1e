"""One way of calibrating per module: what is sealed, and how it is fitted.

Import from ``scorewright.models.calibration``. Applying a calibration needs numpy; pooling scores needs SciPy.
"""
