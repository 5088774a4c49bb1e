"""The policy that a portfolio declares, and the cases it decides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorewright.decision.cases import Cases
from scorewright.decision.inputs import Flags, Floats
from scorewright.decision.money import loan_costs, loan_threshold
from scorewright.decision.policy import Policy
from scorewright.domain.costs import LoanCosts, MoneyTerms
from scorewright.domain.decisions import HardRule
from scorewright.features.expressions import Particulars
from scorewright.tables.lending import PolicySpec
from scorewright.tables.portfolio import Portfolio

Interval = tuple[Floats, Floats]


def declared_policy(portfolio: Portfolio, threshold: float) -> Policy:
    """Return the policy of a portfolio at a threshold, not yet with a referral (see `with_declared_referral`)."""
    spec = portfolio.policy
    rules = tuple(HardRule(rule.name, rule.outcome, rule.label) for rule in spec.rules)
    return Policy(threshold, portfolio.costs, spec.rule, portfolio.money, None, rules, spec.version)


def with_declared_referral(policy: Policy, spec: PolicySpec, reference: Cases) -> Policy:
    """Return the policy with the referral that the portfolio asks for, set on reference applications.

    Parameters
    ----------
    policy : Policy
        As `declared_policy` gave it.
    spec : PolicySpec
        What the portfolio asks for.
    reference : Cases
        The training applications with their out-of-fold PDs, and intervals where the referral goes by them.

    Raises
    ------
    SettingsError
        The referral would hold nobody.
    """
    if spec.refer_at_most is not None:
        return policy.with_capacity(reference, spec.refer_at_most)
    return policy.with_straddle(reference) if spec.refer == "interval" else policy


def cases_of(policy: Policy, pd: Floats, known: Particulars, interval: Interval | None = None) -> Cases:
    """Put together what a policy is told of n applications.

    Parameters
    ----------
    pd : ndarray of float64, shape (n,)
        Probabilities of default.
    known : Particulars
        Amounts, and hard rules by name; each of the policy's must be there.
    interval : pair of ndarray of float64, shape (n,), optional
        Low and high end of each PD's interval.
    """
    low, high = (None, None) if interval is None else interval
    thresholds = None
    if policy.rule == "money" and policy.money is not None:
        thresholds = loan_threshold(loans_of(policy.money, known))
    return Cases(pd, low, high, thresholds, _broken(policy, known, len(pd)))


def of_rows(known: Particulars, rows: NDArray[Any]) -> Particulars:
    """Return what is known of the given rows, without segments."""
    exposure, annuity = (None if amounts is None else amounts[rows] for amounts in (known.exposure, known.annuity))
    return Particulars(exposure, annuity, {name: broken[rows] for name, broken in known.rules.items()}, {})


def loans_of(terms: MoneyTerms, known: Particulars) -> LoanCosts:
    """Return what each of n loans costs when it is decided wrongly.

    Raises
    ------
    ValueError
        When the exposures were not computed.
    """
    if known.exposure is None:
        raise ValueError("Money needs the exposure of each loan.")
    return loan_costs(terms, known.exposure, known.annuity)


def _broken(policy: Policy, known: Particulars, rows: int) -> Flags:
    broken = np.empty((rows, len(policy.rules)), dtype=np.bool_)
    for place, rule in enumerate(policy.rules):
        broken[:, place] = known.rules[rule.name]
    return broken
