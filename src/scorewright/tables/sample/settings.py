"""What a sample is asked to be, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scorewright.errors import SettingsError

Part = Literal["train", "test"]

CHUNK = 2048
"""Applications drawn together. Every chunk has its own random stream, so this number is part of the seed's meaning."""

TEST_SHARE = 0.1585
"""Unlabelled applications per labelled one: 48,744 / 307,511 in the published tables."""

_MOST_APPLICATIONS = 10_000_000
_MOST_MONTHS = 120


@dataclass(frozen=True)
class SampleConfig:
    """What to generate.

    Parameters
    ----------
    applications : int
        Labelled applications, 100 to 10 million. Unlabelled ones are added on top, ``round(applications * 0.1585)``.
        Without months, a larger sample with the same seed begins with the applications of the smaller one.
    seed : int
        Same seed and same other settings give the same values, however the tables are written.
    months : int
        0 for the published columns exactly. Otherwise applications are spread in order over this many months, in an
        extra column ``DATE_APPLICATION``; the unlabelled ones fall in the month after the last.
    drift_from : int or None
        First month (counted from 1) whose population differs; ``months + 1`` means none. Default: two thirds of the
        way. Needs `months`.
    file_format : {"parquet", "csv"}
        Format of the files.

    Raises
    ------
    SettingsError
        When a value is outside its range.
    """

    applications: int = 20_000
    seed: int = 7
    months: int = 0
    drift_from: int | None = None
    file_format: Literal["parquet", "csv"] = "parquet"

    def __post_init__(self) -> None:
        """Refuse values that cannot be generated."""
        _within("applications", self.applications, 100, _MOST_APPLICATIONS)
        _within("seed", self.seed, 0, 2**63 - 1)
        _within("months", self.months, 0, _MOST_MONTHS)
        if self.drift_from is not None:
            self._check_drift(self.drift_from)
        if self.file_format not in {"parquet", "csv"}:
            raise SettingsError(
                "A sample is written as parquet or csv.", repr(self.file_format), "Choose one of the two."
            )

    def _check_drift(self, drift_from: int) -> None:
        if not self.months:
            raise SettingsError(
                "Drift starts in a month, so it needs months.",
                f"drift_from = {drift_from} without months",
                "Give the number of months too, or leave drift_from out.",
            )
        _within("drift_from", drift_from, 1, self.months + 1)

    @property
    def first_drifting_month(self) -> int:
        """Month, counted from 1, from which the population drifts."""
        return max(2, 2 * self.months // 3 + 1) if self.drift_from is None else self.drift_from

    def size(self, part: Part) -> int:
        """Number of applications in one part."""
        return self.applications if part == "train" else round(self.applications * TEST_SHARE)

    def chunks(self, part: Part) -> int:
        """Number of chunks that hold one part."""
        return -(-self.size(part) // CHUNK)


@dataclass(frozen=True)
class SampleSummary:
    """What was written: rows of each table, share of labelled applications in default, and where."""

    rows: Mapping[str, int]
    default_rate: float
    folder: Path


def _within(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        rule = f"{name} must be a whole number from {low} to {high}."
        raise SettingsError(rule, repr(value), "Give a number in range.")
