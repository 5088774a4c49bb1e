"""What granting and refusing each loan costs, in money, and the PD at which the two are equal.

The costs of a wrong decision differ from loan to loan (Bahnsen, Aouada & Ottersten 2014, *Example-Dependent
Cost-Sensitive Logistic Regression for Credit Scoring*): a missed default loses the exposure times the LGD, a refused
repayment loses the margin. Their further term, what the next applicant would bring with the money that a refusal frees,
is left out: a lender who is not short of money has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.inputs import Flags, Floats, checked_decisions, checked_pd
from scorewright.domain.costs import CostMatrix, LoanCosts, MoneyTerms
from scorewright.errors import AmountsError, PortfolioError

_MONTHS = 12
_MOST = {
    "lgd": (1.0, "Give the share of the exposure that a default loses: 0.45, not 45."),
    "margin_rate": (np.inf, "Give a share, as 0.08 for 8 %: per year where an annuity is stated, else once."),
    "recovery_cost": (np.inf, "Give an amount in the portfolio's currency; leave it out for none."),
    "handling_cost": (np.inf, "Give an amount in the portfolio's currency; leave it out for none."),
    "referral_cost": (np.inf, "Give an amount in the portfolio's currency; leave it out for none."),
}


@dataclass(frozen=True)
class ExpectedCosts:
    """What each decision is expected to cost, for n loans; NaN where an amount is not known. Arrays have shape (n,)."""

    granting: Floats
    refusing: Floats


def check_terms(terms: MoneyTerms) -> None:
    """Hold a portfolio's terms to what they may be.

    Raises
    ------
    PortfolioError
        When the LGD is not between 0 and 1, or a rate or cost is negative, infinite or no number.
    """
    for name, (most, remedy) in _MOST.items():
        value = getattr(terms, name)
        if not (0.0 <= value <= most and np.isfinite(value)):
            bound = f"a number between 0 and {most:g}" if np.isfinite(most) else "a finite number, 0 or more"
            raise PortfolioError(f"The term {name} must be {bound}.", f"{value}", remedy)


def loan_costs(terms: MoneyTerms, exposure: NDArray[Any], annuity: NDArray[Any] | None = None) -> LoanCosts:
    """Return what each wrong decision costs on each loan.

    ==================  =====================================================================
    ``missed_default``  ``exposure * lgd + recovery_cost + handling_cost``
    ``refused_good``    ``max(0, margin - handling_cost)``
    ``unprofitable``    ``max(0, handling_cost - margin)``
    ``margin``          ``margin_rate * exposure / 2 * years``, ``years = exposure / annuity / 12``;
                        ``margin_rate * exposure`` where no annuity is stated
    ==================  =====================================================================

    Parameters
    ----------
    terms : MoneyTerms
        The portfolio's terms.
    exposure : ndarray, shape (n,)
        Amount at risk of each loan; NaN where it is not known.
    annuity : ndarray, shape (n,), or None
        Instalment per month, given exactly where the terms state one; NaN or 0 leaves the margin unknown.

    Raises
    ------
    PortfolioError
        As `check_terms`.
    AmountsError
        When an amount is infinite, negative or too large to reckon with.

    Notes
    -----
    Limits. The amount outstanding falls in a straight line to 0, hence exposure / 2 on average; instalments that pay
    interest first keep a little more outstanding. Instalments hold interest as well, so that the true term is longer
    than ``exposure / annuity``. Both understate the margin. Nothing is discounted, and interest paid before a default
    is not credited.

    Examples
    --------
    >>> terms = MoneyTerms("AMT_CREDIT", lgd=0.5, margin_rate=0.1, annuity="AMT_ANNUITY", handling_cost=20.0)
    >>> costs = loan_costs(terms, np.array([2400.0]), np.array([100.0]))
    >>> costs.missed_default.item(), costs.refused_good.item()
    (1220.0, 220.0)
    """
    check_terms(terms)
    if (annuity is None) != (terms.annuity is None):
        raise ValueError("Instalments are given exactly where the terms state them.")
    owed = _amounts(terms.exposure, exposure)
    with np.errstate(over="ignore"):
        earned = _margin(terms, owed, annuity) - terms.handling_cost
        lost = owed * terms.lgd + terms.recovery_cost + terms.handling_cost
    _finite(terms, lost, earned)
    return LoanCosts(missed_default=lost, refused_good=np.maximum(earned, 0.0), unprofitable=np.maximum(-earned, 0.0))


def _amounts(column: str, amounts: NDArray[Any]) -> Floats:
    """Return amounts as float64, NaN where unknown. Raises ``AmountsError`` on what no amount can be."""
    values = np.asarray(amounts, dtype=np.float64)
    wrong = {"infinite": int(np.isinf(values).sum()), "negative": int((np.isfinite(values) & (values < 0.0)).sum())}
    if any(wrong.values()):
        found = " and ".join(f"{rows} {what}" for what, rows in wrong.items() if rows)
        raise AmountsError(
            f"Amounts of {column!r} must be finite and not negative.",
            f"{found} in {values.size} {'row' if values.size == 1 else 'rows'}",
            "Correct them, or leave an amount empty when it is not known.",
        )
    return values


def _margin(terms: MoneyTerms, owed: Floats, annuity: NDArray[Any] | None) -> Floats:
    if annuity is None or terms.annuity is None:
        return terms.margin_rate * owed
    paid = _amounts(terms.annuity, annuity)
    if paid.shape != owed.shape:
        raise ValueError(f"{paid.size} instalments do not belong to {owed.size} exposures.")
    years = owed / np.where(paid > 0.0, paid, np.nan) / _MONTHS
    _finite(terms, years)
    return terms.margin_rate * owed / 2 * years


def _finite(terms: MoneyTerms, *results: Floats) -> None:
    rows = int(np.any([np.isinf(values) for values in results], axis=0).sum())
    if rows:
        columns = terms.exposure if terms.annuity is None else f"{terms.exposure} and {terms.annuity}"
        raise AmountsError(
            f"Amounts of {columns!r} must give costs that a computer can hold.",
            f"an infinite cost in {rows} {'row' if rows == 1 else 'rows'}",
            "Look for instalments near 0 and for amounts in the wrong unit.",
        )


def matrix_as_loans(costs: CostMatrix, rows: int) -> LoanCosts:
    """Return the constant matrix as the costs of `rows` loans that are all alike: one rule then serves both."""
    missed, refused = np.full(rows, costs.false_negative), np.full(rows, costs.false_positive)
    return LoanCosts(missed, refused, np.zeros(rows))


def known(loans: LoanCosts) -> Flags:
    """Return true for each loan whose costs are all known, shape (n,)."""
    total = loans.missed_default + loans.refused_good + loans.unprofitable
    flags: Flags = ~np.isnan(total)
    return flags


def take(loans: LoanCosts, rows: NDArray[Any]) -> LoanCosts:
    """Return the costs of the given loans: positions, or flags of shape (n,)."""
    return LoanCosts(loans.missed_default[rows], loans.refused_good[rows], loans.unprofitable[rows])


def expected_costs(pd: NDArray[Any], loans: LoanCosts) -> ExpectedCosts:
    """Return what granting and refusing each loan is expected to cost, given calibrated PDs.

    ``granting = pd * missed_default + (1 - pd) * unprofitable``, ``refusing = (1 - pd) * refused_good``.
    """
    bad = checked_pd(pd)
    good = 1.0 - bad
    return ExpectedCosts(bad * loans.missed_default + good * loans.unprofitable, good * loans.refused_good)


def loan_threshold(loans: LoanCosts) -> Floats:
    """Return for each loan the PD from which on refusing costs no more than granting, shape (n,).

    ``refused_good / (refused_good + missed_default)``: Elkan's (2001, eq. 2) threshold with the loan's own costs. It is
    0 where repayment would earn nothing, and NaN where an amount is not known.

    Examples
    --------
    >>> loan_threshold(LoanCosts(np.array([900.0]), np.array([100.0]), np.array([0.0]))).tolist()
    [0.1]
    """
    total = loans.refused_good + loans.missed_default
    return np.where(known(loans), loans.refused_good / np.where(total == 0.0, 1.0, total), np.nan)


def loan_rule(pd: NDArray[Any], loans: LoanCosts, unknown: float) -> Flags:
    """Return true where a loan is refused: where ``pd >= loan_threshold``, shape (n,).

    Parameters
    ----------
    pd : ndarray of float, shape (n,)
        Calibrated PDs.
    loans : LoanCosts
        What each loan's wrong decisions cost.
    unknown : float
        Threshold of loans whose amounts are not known: the constant one. A NaN would pass for "approve" in any
        comparison.
    """
    own = loan_threshold(loans)
    refused: Flags = checked_pd(pd) >= np.where(np.isnan(own), unknown, own)
    return refused


def realised_money(target: NDArray[Any], refused: NDArray[np.bool_], loans: LoanCosts) -> Floats:
    """Return what each decision did cost, now that the outcome is known, shape (n,); NaN where an amount is not known.

    `missed_default` for a granted default, `refused_good` for a refused repayment, `unprofitable` for a granted
    repayment that earned less than its handling, else 0.

    Raises
    ------
    ValueError
        When targets hold anything but 0 and 1, or the decisions do not belong to them.
    """
    defaulted, rejected = checked_decisions(target, refused)
    granted = np.where(defaulted, loans.missed_default, loans.unprofitable)
    unless = np.where(defaulted, 0.0, loans.refused_good)
    return np.where(known(loans), np.where(rejected, unless, granted), np.nan)
