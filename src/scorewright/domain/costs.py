"""What wrong decisions cost."""

from __future__ import annotations

from dataclasses import dataclass


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
