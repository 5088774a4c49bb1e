"""Which applications a person should decide: those that the PD settles least.

Both ways refer around the threshold and are monotone: as the PD rises, with its interval, an application goes from
approve through refer to refuse and never back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from scorewright.decision.cases import APPROVE, REFER, REFUSE, Cases, Codes
from scorewright.decision.inputs import Floats
from scorewright.domain.decisions import ReferralKind
from scorewright.errors import SettingsError

#: Distances are compared to so many decimals: a threshold that lies half way between two PDs is equally far from both,
#: and the last bit must not tell them apart.
_DECIMALS = 12


@dataclass(frozen=True)
class Band:
    """Refer where ``threshold - half_width <= pd < threshold + half_width``.

    What is at stake in a decision, the difference in expected cost between approving and refusing, is for equal loans
    proportional to the distance between PD and threshold: the band holds the decisions with least at stake (Chow 1970,
    *On optimum recognition error and reject tradeoff*).

    Parameters
    ----------
    share : float
        The most that may be referred, of all applications.
    half_width : float
        Found on the reference applications, then sealed: it does not depend on what else is decided.
    referred : float
        Share of the reference applications that is referred, by the band and by hard rules.
    """

    kind: ClassVar[ReferralKind] = "capacity"
    share: float
    half_width: float
    referred: float

    def __post_init__(self) -> None:
        if not (0.0 < self.share < 1.0 and 0.0 < self.half_width <= 2.0 and 0.0 <= self.referred <= 1.0):
            raise ValueError("A band has a share between 0 and 1 and a half width above 0.")

    def codes(self, cases: Cases, thresholds: Floats) -> Codes:
        """Return the outcome by PD and band, shape (n,). Where a threshold is NaN the outcome is `REFER`."""
        approved = cases.pd < thresholds - self.half_width
        return _coded(approved, cases.pd >= thresholds + self.half_width)


@dataclass(frozen=True)
class Straddle:
    """Refer where the PD's interval lies on both sides of the threshold.

    Approve where PD and interval lie below it, refuse where PD and interval reach it, else refer.

    Parameters
    ----------
    referred : float
        Share of the reference applications that is referred, by the interval and by hard rules.
    """

    kind: ClassVar[ReferralKind] = "interval"
    referred: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.referred <= 1.0:
            raise ValueError("A share lies between 0 and 1.")

    def codes(self, cases: Cases, thresholds: Floats) -> Codes:
        """Return the outcome by PD and interval, shape (n,). Raises ``ValueError`` when there is no interval."""
        if cases.low is None or cases.high is None:
            raise ValueError("Referral by interval needs the interval of each PD.")
        approved = np.maximum(cases.pd, cases.high) < thresholds
        return _coded(approved, np.minimum(cases.pd, cases.low) >= thresholds)


Referral = Band | Straddle


def _coded(approved: Any, refused: Any) -> Codes:
    return np.where(approved, APPROVE, np.where(refused, REFUSE, REFER)).astype(np.int8)


def referral_to_dict(referral: Referral) -> dict[str, Any]:
    """Return what JSON holds."""
    return {"kind": referral.kind, **asdict(referral)}


def referral_from_dict(content: Mapping[str, Any]) -> Referral:
    """Read what `referral_to_dict` gave.

    Raises
    ------
    KeyError, TypeError, ValueError
        On anything else.
    """
    kinds: dict[str, type[Band | Straddle]] = {kind.kind: kind for kind in (Band, Straddle)}
    numbers = {name: float(value) for name, value in content.items() if name != "kind"}
    return kinds[content["kind"]](**numbers)


def half_width(distances: Floats, most: int) -> float:
    """Return the widest band that holds at most so many of the reference applications.

    It ends half way between the last distance that fits and the first that does not, or beyond them all.

    Parameters
    ----------
    distances : ndarray of float64, shape (m,)
        How far each PD lies from its threshold; not empty.
    most : int
        How many may be inside.

    Returns
    -------
    float
        0 where nobody would be inside: `most` is below the number of those that are equally near.

    Examples
    --------
    >>> round(half_width(np.array([0.1, 0.3, 0.3, 0.5]), 1), 4), half_width(np.array([0.1, 0.1]), 1)
    (0.2, 0.0)
    """
    distinct, counts = np.unique(np.round(np.abs(distances), _DECIMALS), return_counts=True)
    fit = int(np.searchsorted(np.cumsum(counts), most, side="right"))
    if fit == 0:
        return 0.0
    beyond = distinct[fit] if fit < distinct.size else distinct[-1] + 0.1**_DECIMALS * 2
    return float(distinct[fit - 1] + (beyond - distinct[fit - 1]) / 2)


@dataclass(frozen=True)
class Reference:
    """Reference applications of a referral: how far those that the PD decides lie from their threshold.

    Parameters
    ----------
    distances : ndarray of float64, shape (m,)
        PD minus threshold of those that neither a hard rule nor an unknown amount decides.
    referred : int
        How many are referred already, by a hard rule or for want of an amount.
    rows : int
        All reference applications.
    """

    distances: Floats
    referred: int
    rows: int

    def band(self, share: float) -> Band:
        """Return the band that, with those referred already, refers at most this share.

        Raises
        ------
        SettingsError
            The share is none, or it leaves room for nobody.
        """
        if not 0.0 < share < 1.0:
            raise SettingsError("The share to refer lies between 0 and 1.", f"{share:g}", "Give 0.1 for 10 %.")
        most = int(np.floor(share * self.rows * (1.0 + 1e-12)))
        width = half_width(self.distances, most - self.referred) if self.distances.size else 0.0
        if width == 0.0:
            raise self._empty(share, most)
        inside = int(np.sum(np.abs(self.distances) < width))
        return Band(share, width, (inside + self.referred) / self.rows)

    def _empty(self, share: float, most: int) -> SettingsError:
        nearest = np.round(np.abs(self.distances), _DECIMALS)
        ties = int(np.sum(nearest == nearest.min())) if nearest.size else 0
        return SettingsError(
            "A referral band must hold at least one reference application.",
            f"{share:.2%} of {self.rows:,} is {most:,}, hard rules and unknown amounts refer {self.referred:,} already "
            f"and {ties:,} are equally near the threshold",
            "Raise the share, refer by the PD's interval, or leave the referral out.",
        )
