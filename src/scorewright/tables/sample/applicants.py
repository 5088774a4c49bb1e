"""Who applies: the hidden traits from which every table of an applicant follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorewright.tables.sample.draws import Flags, Floats, Ints, Rng, chance
from scorewright.tables.sample.settings import Part
from scorewright.tables.sample.timeline import Arrivals

_BANKED = 0.857
_PENSION_AT = 0.97


@dataclass(frozen=True)
class Applicants:
    """Hidden traits of the applicants of one chunk; every array has shape (n,).

    `keys` are the values of SK_ID_CURR and `drift` the strength of the drift. The others are standard normal scores
    before drift: `age`; `external`, three opinions of outside agencies (shape (3, n)); `wealth`; `discipline` in
    repaying, which the histories show and the application hardly does; `region`, large for big towns; `building`.
    `banked` applicants are known to the credit bureau, `retired` ones draw a pension.
    """

    part: Part
    keys: Ints
    drift: Floats
    age: Floats
    external: Floats
    wealth: Floats
    discipline: Floats
    region: Floats
    building: Floats
    banked: Flags
    retired: Flags

    @property
    def size(self) -> int:
        """Number of applicants."""
        return self.keys.size


def draw_applicants(rng: Rng, part: Part, first: int, arrivals: Arrivals) -> Applicants:
    """Draw the applicants whose positions in their part begin at `first`."""
    drift = arrivals.drift
    age, common, wealth, discipline, region, building, pension, *own = rng.standard_normal((10, drift.size))
    shift = 0.2 * drift
    external = np.stack(
        [
            0.60 * age + 0.28 * common + 0.75 * own[0],
            0.10 * age + 0.28 * common + 0.95 * own[1],
            0.20 * age + 0.28 * common + 0.93 * own[2],
        ]
    )
    return Applicants(
        part=part,
        keys=application_keys(part, first, drift.size),
        drift=drift,
        age=age,
        external=external - shift,
        wealth=wealth - 1.5 * shift,
        discipline=0.30 * common + 0.95 * discipline,
        region=region,
        building=0.4 * region + 0.2 * wealth + 0.89 * building,
        banked=chance(rng, _BANKED, drift.size),
        retired=age + 0.35 * pension > _PENSION_AT,
    )


def application_keys(part: Part, first: int, size: int) -> Ints:
    """Keys of consecutive applications: even for the labelled part, odd for the other, so that they never meet."""
    return 100_001 + (part == "train") + 2 * (first + np.arange(size))
