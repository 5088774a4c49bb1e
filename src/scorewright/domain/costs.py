"""What wrong decisions cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class CostMatrix:
    """Constant costs of the two wrong decisions; right decisions cost nothing.

    Parameters
    ----------
    false_negative : float
        Cost of approving an application that defaults (target 1, approved).
    false_positive : float
        Cost of refusing an application that would have repaid (target 0, refused).
    """

    false_negative: float = 10.0
    false_positive: float = 1.0

    @property
    def closed_form_threshold(self) -> float:
        """Threshold on calibrated PDs above which refusing costs less than approving.

        Refusing costs ``(1 - pd) * c_fp``, approving ``pd * c_fn``; they are equal at ``c_fp / (c_fp + c_fn)``
        (Elkan 2001, *The Foundations of Cost-Sensitive Learning*, eq. 2).

        Examples
        --------
        >>> round(CostMatrix(10.0, 1.0).closed_form_threshold, 4)
        0.0909
        """
        return self.false_positive / (self.false_positive + self.false_negative)


@dataclass(frozen=True)
class MoneyTerms:
    """What a portfolio states about money, from which each loan's own costs follow.

    Parameters
    ----------
    exposure : str
        SQL over the application: the amount at risk when the loan is granted, in `currency`.
    annuity : str or None
        SQL over the application: the instalment per month. It says how long the loan runs; None where the margin is
        earned on the exposure once.
    lgd : float
        Loss given default: share of the exposure that is lost, between 0 and 1.
    margin_rate : float
        Margin earned on a loan that is repaid: per year on the amount outstanding where `annuity` is given, else once
        on the exposure.
    recovery_cost : float
        Spent on collecting a defaulted loan.
    handling_cost : float
        Spent on granting and keeping a loan.
    referral_cost : float
        Spent when an officer looks at an application.
    currency : str
        For people.
    """

    exposure: str
    lgd: float
    margin_rate: float
    annuity: str | None = None
    recovery_cost: float = 0.0
    handling_cost: float = 0.0
    referral_cost: float = 0.0
    currency: str = ""


@dataclass(frozen=True)
class LoanCosts:
    """What each wrong decision costs on each of n loans; NaN where an amount is not known. Arrays have shape (n,).

    Refusing an application that would have defaulted costs nothing.

    Parameters
    ----------
    missed_default : ndarray of float64
        Lost when the loan is granted and defaults.
    refused_good : ndarray of float64
        Forgone when the loan is refused and would have been repaid; 0 where it would have earned nothing.
    unprofitable : ndarray of float64
        Lost when the loan is granted and repaid, because handling costs more than its margin; else 0.
    """

    missed_default: NDArray[np.float64]
    refused_good: NDArray[np.float64]
    unprofitable: NDArray[np.float64]
