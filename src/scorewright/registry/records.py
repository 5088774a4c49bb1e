"""Trainings as JSON text and back, and measures as flat names.

Strict JSON has no NaN and no infinity. A number that must be a float is null when it is NaN and ``"inf"`` or ``"-inf"``
when infinite; a parameter, which may also be text or nothing, is then ``{"float": "nan"}``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from scorewright.domain.evaluation import CandidateRecord, Evaluation
from scorewright.domain.training import TrainingRecord

PROTOCOL = 1


def to_json(training: TrainingRecord) -> str:
    """Return a training as strict JSON text: equal records give equal text."""
    content = {"protocol": PROTOCOL, "training": _encode(TrainingRecord, training)}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def from_json(text: str) -> TrainingRecord:
    """Return the training that `to_json` wrote.

    Fields it does not know are passed over and absent ones take their defaults, so that a newer
    version reads older files.
    """
    training: TrainingRecord = _decode(TrainingRecord, json.loads(text)["training"])
    return training


def flat_metrics(candidate: CandidateRecord) -> dict[str, float]:
    """Return every finite measure of a candidate by one name.

    Names are ``out_of_fold.<metric>`` and ``test.<metric>``, with ``_low`` and ``_high`` for the ends of an interval,
    and ``threshold`` and ``seconds``.
    """
    metrics = {"threshold": candidate.threshold, "seconds": candidate.seconds}
    metrics |= _flat("out_of_fold", candidate.out_of_fold) | _flat("test", candidate.test)
    return {name: float(value) for name, value in metrics.items() if math.isfinite(value)}


def _flat(prefix: str, evaluation: Evaluation) -> dict[str, float]:
    flat = {f"{prefix}.{name}": value for name, value in evaluation.metrics.items()}
    for name, interval in evaluation.intervals.items():
        flat.setdefault(f"{prefix}.{name}", interval.estimate)
        flat |= {f"{prefix}.{name}_low": interval.low, f"{prefix}.{name}_high": interval.high}
    return flat


def _encode(hint: Any, value: Any) -> Any:
    hint = _given(hint)
    if value is None:
        return None
    if isinstance(hint, type) and is_dataclass(hint):
        return {name: _encode(kind, getattr(value, name)) for name, kind in _hints(hint).items()}
    if get_origin(hint) is tuple:
        return [_encode(get_args(hint)[0], item) for item in value]
    if get_origin(hint) is Mapping:
        return {str(name): _encode(get_args(hint)[1], item) for name, item in value.items()}
    return _encode_float(float(value)) if hint is float else _encode_other(value)


def _encode_other(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _decode(hint: Any, value: Any) -> Any:
    optional, hint = hint, _given(hint)
    if value is None and optional is not hint:
        return None
    if isinstance(hint, type) and is_dataclass(hint):
        known = {name: kind for name, kind in _hints(hint).items() if name in value}
        return hint(**{name: _decode(kind, value[name]) for name, kind in known.items()})
    if get_origin(hint) is tuple:
        return tuple(_decode(get_args(hint)[0], item) for item in value)
    if get_origin(hint) is Mapping:
        return {name: _decode(get_args(hint)[1], item) for name, item in value.items()}
    if hint is float:
        return math.nan if value is None else float(value)
    return float(value["float"]) if isinstance(value, dict) else value


def _given(hint: Any) -> Any:
    """What a field holds when it holds anything: ``Interval`` for ``Interval | None``."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if isinstance(hint, UnionType) and len(kinds) == 1 else hint


def _encode_float(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {item.name: hints[item.name] for item in fields(kind)}
