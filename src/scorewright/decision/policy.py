"""From a PD to an outcome: approve, refer to an officer, or refuse."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Any, get_args

import numpy as np

from scorewright.decision.cases import APPROVE, REFER, REFUSE, Cases, Codes, Decided
from scorewright.decision.inputs import Flags, Floats
from scorewright.decision.referral import Reference, Referral, Straddle, referral_from_dict, referral_to_dict
from scorewright.decision.threshold import APPROVE_ALL, REFUSE_ALL
from scorewright.domain.costs import CostMatrix, MoneyTerms
from scorewright.domain.decisions import HardRule, PolicyInfo, RuleKind
from scorewright.domain.matrix import Label
from scorewright.errors import BundleCorruptError, SettingsError
from scorewright.tables.lending import NO_POLICY


@dataclass(frozen=True)
class Policy:
    """Decides by hard rules first, then by the PD: a hard rule that refuses, one that refers, referral, threshold.

    The PD alone refuses when ``pd >= threshold``, else approves. Monotone: for the same loan and the same hard rules
    broken, a higher PD is never treated better.

    Parameters
    ----------
    threshold : float
        From 0 (refuse all) to the number next above 1 (approve all).
    costs : CostMatrix
        The costs for which the threshold was chosen.
    rule : {"threshold", "money"}
        The one threshold, or each loan's own (see `Cases`).
    money : MoneyTerms or None
        From which a loan's own threshold follows; needed by the money rule.
    referral : Band, Straddle or None
        Which applications the PD settles too little; None refers nobody.
    rules : tuple of HardRule
        Rules of the lender, apart from the model.
    version : str
        As the portfolio states it.

    Raises
    ------
    ValueError
        When a part contradicts another or is outside its range.
    """

    threshold: float
    costs: CostMatrix
    rule: RuleKind = "threshold"
    money: MoneyTerms | None = None
    referral: Referral | None = None
    rules: tuple[HardRule, ...] = ()
    version: str = NO_POLICY

    def __post_init__(self) -> None:
        if not REFUSE_ALL <= self.threshold <= APPROVE_ALL:
            raise ValueError("The threshold must lie between 0 and the number next above 1.")
        if self.rule not in get_args(RuleKind):
            raise ValueError("The rule is threshold or money.")
        if self.rule == "money" and self.money is None:
            raise ValueError("The money rule needs money terms.")
        if len({rule.name for rule in self.rules}) != len(self.rules):
            raise ValueError("Each hard rule has its own name.")

    @cached_property
    def info(self) -> PolicyInfo:
        """What is told of it beside a decision."""
        return PolicyInfo(self.version, self.rule, self.referral.kind if self.referral else None, self.rules)

    def decide(self, cases: Cases) -> Decided:
        """Decide n applications.

        Under the money rule an application whose amounts are not known is referred; its opinion is then that of the
        constant threshold.

        Raises
        ------
        ValueError
            When the cases lack what the policy needs: thresholds under the money rule, intervals for the referral by
            interval, one column of broken per hard rule.
        """
        thresholds, broken = self._thresholds(cases), self._broken(cases)
        known = thresholds if self.rule == "threshold" else np.where(np.isnan(thresholds), self.threshold, thresholds)
        opinion = np.where(cases.pd >= known, REFUSE, APPROVE)
        codes = self.referral.codes(cases, thresholds) if self.referral else opinion
        if self.rule == "money" or broken.any():
            settled = self._settled(thresholds, broken)
            codes = np.where(settled < 0, codes, settled)
        return Decided(codes, opinion, thresholds, broken, self.rules)

    def _thresholds(self, cases: Cases) -> Floats:
        if self.rule == "threshold":
            return np.full(len(cases), self.threshold)
        if cases.thresholds is None:
            raise ValueError("The money rule needs each loan's threshold.")
        return cases.thresholds

    def _broken(self, cases: Cases) -> Flags:
        broken = np.zeros((len(cases), 0), dtype=np.bool_) if cases.broken is None else cases.broken
        if broken.shape != (len(cases), len(self.rules)):
            raise ValueError(f"{len(self.rules)} hard rules need as many columns, not {broken.shape[1:]}.")
        return broken

    def _settled(self, thresholds: Floats, broken: Flags) -> Codes:
        """The outcome of those that the PD does not decide, -1 of the others; shape (n,)."""
        settled = np.where(np.isnan(thresholds), REFER, np.int8(-1)).astype(np.int8)
        for outcome, code in (("refer", REFER), ("refuse", REFUSE)):
            which = np.array([rule.outcome == outcome for rule in self.rules], dtype=np.bool_)
            settled[broken[:, which].any(axis=1)] = code
        return settled

    def without(self, names: Collection[str]) -> Policy:
        """Return the policy without some hard rules.

        Raises
        ------
        SettingsError
            No rule has such a name.
        """
        known = [rule.name for rule in self.rules]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise SettingsError(
                "A hard rule to leave out must be one of the policy.",
                ", ".join(map(repr, unknown)),
                f"It has: {', '.join(known) or 'none'}.",
            )
        return replace(self, rules=tuple(rule for rule in self.rules if rule.name not in names))

    def with_capacity(self, reference: Cases, share: float) -> Policy:
        """Return the policy that refers at most this share of reference applications, officers' capacity.

        Hard rules that refer and amounts that are not known use it first, the band around the threshold gets the rest.

        Parameters
        ----------
        reference : Cases
            Reference applications with out-of-fold PDs.
        share : float
            Between 0 and 1.

        Raises
        ------
        SettingsError
            The band would hold nobody.
        """
        thresholds = self._thresholds(reference)
        settled = self._settled(thresholds, self._broken(reference))
        distances = (reference.pd - thresholds)[settled < 0]
        band = Reference(distances, int(np.sum(settled == REFER)), len(reference)).band(share)
        return replace(self, referral=band)

    def with_straddle(self, reference: Cases) -> Policy:
        """Return the policy that refers where the PD's interval lies on both sides of the threshold.

        Raises
        ------
        SettingsError
            No interval of a reference application does.
        """
        thresholds = self._thresholds(reference)
        undecided = self._settled(thresholds, self._broken(reference)) < 0
        if not np.any(Straddle(0.0).codes(reference, thresholds)[undecided] == REFER):
            raise SettingsError(
                "A referral by interval must refer at least one reference application.",
                f"no interval of {len(reference):,} lies on both sides of its threshold",
                "Refer by capacity, or leave the referral out.",
            )
        referred = replace(self, referral=Straddle(0.0)).decide(reference).referred
        return replace(self, referral=Straddle(float(np.mean(referred))))

    def to_dict(self) -> dict[str, Any]:
        """Return what ``policy.json`` holds."""
        return {
            "threshold": self.threshold,
            "costs": asdict(self.costs),
            "rule": self.rule,
            "money": asdict(self.money) if self.money else None,
            "referral": referral_to_dict(self.referral) if self.referral else None,
            "rules": [asdict(rule) for rule in self.rules],
            "version": self.version,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Policy:
        """Read what `to_dict` gave; a bundle of old holds a threshold and costs only.

        Raises
        ------
        BundleCorruptError
            On anything else.
        """
        try:
            _check_names(content, ("threshold", "costs", "rule", "money", "referral", "rules", "version"))
            return cls(
                _number(content["threshold"]),
                CostMatrix(*(_positive(content["costs"][name]) for name in ("false_negative", "false_positive"))),
                rule=content.get("rule", "threshold"),
                money=_read_money(content.get("money")),
                referral=referral_from_dict(content["referral"]) if content.get("referral") else None,
                rules=tuple(_read_rule(rule) for rule in content.get("rules", ())),
                version=_text(content.get("version", NO_POLICY)),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BundleCorruptError(
                "A policy holds a threshold and two costs, and where it has them money terms, a referral and rules.",
                f"{type(error).__name__}: {error}",
                "Train again, or restore the bundle from its source.",
            ) from error


def _check_names(content: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if not set(content) <= set(known):
        raise ValueError(f"only {', '.join(known)} are known")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError("a finite number is needed")
    return float(value)


def _positive(value: object) -> float:
    number = _number(value)
    if number < 0.0:
        raise ValueError("an amount is not negative")
    return number


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is needed")
    return value


def _read_money(content: Mapping[str, Any] | None) -> MoneyTerms | None:
    if content is None:
        return None
    texts = {name: value for name, value in content.items() if name in {"exposure", "annuity", "currency"}}
    if not all(isinstance(value, str) or (value is None and name == "annuity") for name, value in texts.items()):
        raise TypeError("exposure, annuity and currency are texts")
    numbers: dict[str, Any] = {name: _positive(value) for name, value in content.items() if name not in texts}
    if numbers["lgd"] > 1.0:
        raise ValueError("the loss given default is at most 1")
    return MoneyTerms(**texts, **numbers)


def _read_rule(content: Mapping[str, Any]) -> HardRule:
    _check_names(content, ("name", "outcome", "label"))
    if content["outcome"] not in {"refer", "refuse"}:
        raise ValueError("a hard rule refers or refuses")
    label = Label(_text(content["label"]["en"]), _text(content["label"]["fr"]))
    return HardRule(_text(content["name"]), content["outcome"], label)
