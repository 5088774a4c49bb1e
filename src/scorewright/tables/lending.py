"""How a lender decides and reports, as the portfolio states it: inputs, policy, hard rules and segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scorewright.domain.matrix import Label

Objective = Literal["log_loss", "auc", "cost"]
Sense = Literal["increasing", "decreasing"]

#: Version of the policy of a portfolio that states none.
NO_POLICY = "0"


@dataclass(frozen=True)
class PolicyRule:
    """A hard rule, apart from the model.

    Parameters
    ----------
    name : str
        Unique in the portfolio.
    when : str
        SQL over the application: true where the rule applies; null does not trigger it.
    outcome : {"refuse", "refer"}
        What becomes of such an application, whatever its PD.
    label : Label
        For people.
    """

    name: str
    when: str
    outcome: Literal["refuse", "refer"]
    label: Label


@dataclass(frozen=True)
class PolicySpec:
    """How PDs become outcomes.

    Parameters
    ----------
    version : str
        The lender's own, reported with each decision; ``"0"`` where the portfolio states no policy.
    rule : {"threshold", "money"}
        Which rule decides: one threshold for all, or each loan's own money.
    refer_at_most : float or None
        Largest share of applications that officers can look at, between 0 and 1.
    refer : {"interval"} or None
        ``"interval"`` where an application is referred because its PD interval straddles the threshold. At most one of
        `refer` and `refer_at_most` is given; with neither, no PD is referred.
    rules : tuple of PolicyRule
        Hard rules, in the order of declaration.
    """

    version: str = NO_POLICY
    rule: Literal["threshold", "money"] = "threshold"
    refer_at_most: float | None = None
    refer: Literal["interval"] | None = None
    rules: tuple[PolicyRule, ...] = ()


@dataclass(frozen=True)
class InputRules:
    """What an application must bring to be decided by the model.

    Parameters
    ----------
    coverage : float
        Smallest share, 0 to 1, of the columns of its own row that the model reads which must have a value.
    ranges : {"warn", "refuse"}
        What follows where a number lies outside the range of training.
    """

    coverage: float = 0.0
    ranges: Literal["warn", "refuse"] = "warn"


@dataclass(frozen=True)
class Segment:
    """A division of the applications that reports go by.

    Parameters
    ----------
    name : str
        Unique in the portfolio.
    value : str
        SQL over the application: names the part that an application belongs to.
    label : Label
        For people.
    """

    name: str
    value: str
    label: Label
