"""How numbers are written for people."""

from __future__ import annotations

import math
from collections.abc import Mapping

from scorewright.domain.evaluation import Evaluation, Interval

#: Stands where something is not defined.
NONE = "–"


def plain(value: float | None, shape: str = ",.4g") -> str:
    """Write a number; a dash where there is none.

    Examples
    --------
    >>> plain(12345.6), plain(None), plain(-0.5)
    ('1.235e+04', '–', '−0.5')
    """
    return NONE if value is None or not math.isfinite(value) else format(value, shape).replace("-", "−")


def whole(value: float | None) -> str:
    """Write a count, or an amount without its cents."""
    return plain(value, ",.0f")


def fixed(value: float | None, digits: int = 4) -> str:
    """Write a number with so many decimals."""
    return plain(value, f",.{digits}f")


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share in percent."""
    return plain(value, f",.{digits}%")


def signed(value: float | None, digits: int = 4) -> str:
    """Write a difference with its sign."""
    return plain(value, f"+,.{digits}f")


def span(interval: Interval | None, shape: str = ",.4f") -> str:
    """Write both ends of an interval."""
    return NONE if interval is None else f"{plain(interval.low, shape)} to {plain(interval.high, shape)}"


def with_span(evaluation: Evaluation, name: str, shape: str = ",.4f") -> str:
    """Write a measure with its interval, if it has one."""
    value, interval = plain(evaluation.metrics.get(name), shape), evaluation.intervals.get(name)
    return f"{value} ({span(interval, shape)})" if interval else value


def setting(value: float | str | bool | None) -> str:
    """Write a parameter, whatever it is."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return plain(value, ".4g") if isinstance(value, float) else str(value)


def settings(values: Mapping[str, float | int | str | bool | None]) -> list[tuple[str, str]]:
    """Write parameters by name."""
    return [(name, setting(value)) for name, value in sorted(values.items())]
