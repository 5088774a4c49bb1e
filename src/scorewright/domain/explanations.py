"""What is said of a decision, and of a model: reasons, places among others, findings, groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scorewright.domain.evaluation import Importance, Interval
from scorewright.domain.matrix import Label

Severity = Literal["note", "warn", "refuse"]


@dataclass(frozen=True)
class Shares:
    """One score, shared out among the features on three scales.

    Every scale is additive: `base` plus the contributions of all features is the value. Above 0 speaks for default,
    but for points, where more is better.

    Parameters
    ----------
    base, log_odds : float
        Log-odds of the average application and of this one, before calibration.
    base_pd, pd : float
        The same as calibrated PDs.
    base_points, points : float
        The same on the scale of points, which is that of `PointScale`.
    """

    base: float
    log_odds: float
    base_pd: float
    pd: float
    base_points: float
    points: float


@dataclass(frozen=True)
class SharedContribution:
    """How far one feature moved one score, on each scale of `Shares`."""

    feature: str
    label: Label
    value: float | str | None
    log_odds: float
    pd: float
    points: float


@dataclass(frozen=True)
class PointScale:
    """Points of a PD: `points` at `odds` good to one bad, `pdo` points more where these odds double."""

    points: float = 600.0
    odds: float = 50.0
    pdo: float = 20.0


@dataclass(frozen=True)
class Reason:
    """Why a score is worse than the average: one family of features, in words.

    Parameters
    ----------
    family : str
        Its name in the portfolio.
    label : Label
        What the family is called.
    sentence : Label
        The reason, with the applicant's own values.
    log_odds, points : float
        What the family's features add to the log-odds (above 0), and take from the points (below 0).
    features : tuple of str
        Its features that moved the score, the largest first.
    """

    family: str
    label: Label
    sentence: Label
    log_odds: float
    points: float
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Withheld:
    """A family that would have been a reason, and is never given as one: it is protected, or stands for what is."""

    family: str
    label: Label
    log_odds: float
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Reasons:
    """Reasons of one decision, the weightiest first, and what was kept back."""

    given: tuple[Reason, ...] = ()
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Change:
    """One raw column of an application, changed.

    Parameters
    ----------
    lever : str
        Name of the lever in the portfolio that moves it.
    column : str
        ``"table.column"``.
    rows : int
        Rows that it changes in.
    old, new : float, str or None
        Before and after; for a history table the sums over the changed rows.
    """

    lever: str
    column: str
    rows: int
    old: float | str | None
    new: float | str | None


@dataclass(frozen=True)
class Option:
    """One way to another outcome, as scored by the very scorer that decides.

    Parameters
    ----------
    labels : tuple of Label
        What would have to be done, one per lever.
    changes : tuple of Change
        What it changes in the raw rows.
    effort : float
        Sum over the levers of the share of their range that is used: the smaller, the easier.
    pd : float
        After the changes.
    outcome : {"approve", "refer", "refuse"}
        After the changes.
    """

    labels: tuple[Label, ...]
    changes: tuple[Change, ...]
    effort: float
    pd: float
    outcome: str


@dataclass(frozen=True)
class Recourse:
    """Ways to another outcome, the easiest first; none where the portfolio's levers lead to none.

    Parameters
    ----------
    options : tuple of Option
        Each moves other levers than the ones before.
    tried : int
        Variations that were scored.
    none_because : Label or None
        Why there is none.
    """

    options: tuple[Option, ...] = ()
    tried: int = 0
    none_because: Label | None = None


@dataclass(frozen=True)
class Place:
    """Where an application stands in one distribution of the reference population.

    Parameters
    ----------
    name : str
        Feature, or ``"pd"``.
    label : Label
        For people.
    value : float, str or None
        The application's own.
    bins : tuple of str
        Names of the bins, in order.
    shares : tuple of float
        Share of the reference population in each bin.
    approved : tuple of float or None
        Share approved in each bin; None where too few are in it to say.
    bin : int or None
        The application's own bin; None where its value is missing.
    percentile : float or None
        Share of the reference population, in percent, with a lower value; None for categories and missing values.
    """

    name: str
    label: Label
    value: float | str | None
    bins: tuple[str, ...]
    shares: tuple[float, ...]
    approved: tuple[float | None, ...]
    bin: int | None
    percentile: float | None


@dataclass(frozen=True)
class Finding:
    """Something in the data that looks too good, or too different, to be true.

    Parameters
    ----------
    kind : str
        Which look found it.
    severity : {"note", "warn", "refuse"}
        A training that finds ``"refuse"`` stops, unless all its columns are allowed with a reason.
    columns : tuple of str
        Raw columns (``"table.column"``) to be asked about.
    features : tuple of str
        Features that it was seen in, the worst first.
    value : float
        What was measured.
    bound : float
        From where it counts.
    seen, why, remedy : str
        What was seen, why it is suspicious, and what to do.
    allowed : str
        The reason for which it was allowed; empty where it was not.
    """

    kind: str
    severity: Severity
    columns: tuple[str, ...]
    features: tuple[str, ...]
    value: float
    bound: float
    seen: str
    why: str
    remedy: str
    allowed: str = ""

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        return f"{self.seen} {self.why} {self.remedy}"


@dataclass(frozen=True)
class FeatureInsight:
    """How much one feature matters to a model, by three measures, and how.

    Parameters
    ----------
    importance : Importance
        Mean absolute contribution.
    gain : float or None
        Share of the gain of all splits; None where the model has no trees.
    permutation : Interval or None
        How much the out-of-fold AUC falls when the feature is shuffled, with a t interval over the folds; None where it
        was not measured.
    direction : float
        Spearman's correlation of value and contribution: 1 where more always means riskier. 0 for categories.
    rank_low, rank_high : int
        Best and worst rank among the folds' own models, from 1.
    """

    importance: Importance
    gain: float | None
    permutation: Interval | None
    direction: float
    rank_low: int
    rank_high: int


@dataclass(frozen=True)
class Dependence:
    """Contribution of one feature against its value, on a sample of applications.

    Parameters
    ----------
    name, label : str
        The feature.
    bins : tuple of str
        Names of the bins of the value, in order; the missing come last where there are any.
    rows : tuple of int
        Applications in each bin.
    mean, low, high : tuple of float
        Mean and the 10 % and 90 % quantiles of the contributions in each bin, on the model's scale. Bins of fewer than
        ten applications are left out.
    """

    name: str
    label: str
    bins: tuple[str, ...]
    rows: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Interaction:
    """Strength of one pair of features.

    Friedman and Popescu's H squared: the share of the variance of their joint effect that is not a sum.
    """

    first: str
    second: str
    strength: float


@dataclass(frozen=True)
class Swarm:
    """Points of a beeswarm for one feature: contributions, and values as ranks from 0 to 1 (None where missing).

    A sample of applications of training, without keys; no value itself is kept.
    """

    name: str
    label: str
    contributions: tuple[float, ...]
    ranks: tuple[float | None, ...]


@dataclass(frozen=True)
class Insight:
    """What moves a model, over all applications of training, out of fold.

    Parameters
    ----------
    features : tuple of FeatureInsight
        By mean absolute contribution, the largest first.
    raw_columns, tables : tuple of Importance
        The same grouped by the raw columns and tables that feed the features.
    dependences : tuple of Dependence
        Of the features that matter most.
    interactions : tuple of Interaction
        Of pairs of them, the strongest first.
    agreement : float
        Kendall's W of the features' ranks over the folds' own models: 1 where all agree.
    swarms : tuple of Swarm
        Points for pictures.
    """

    features: tuple[FeatureInsight, ...] = ()
    raw_columns: tuple[Importance, ...] = ()
    tables: tuple[Importance, ...] = ()
    dependences: tuple[Dependence, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    agreement: float = 0.0
    swarms: tuple[Swarm, ...] = ()


@dataclass(frozen=True)
class Group:
    """How the served policy treats one group of applicants.

    Parameters
    ----------
    value : str
        The attribute's value, or values of a pair joined by " × ".
    applications : int
        How many.
    rates : mapping of str to Interval
        ``approval_rate``, ``bad_rate`` (defaults among the approved), ``true_positive_rate`` (defaulters not approved),
        ``false_positive_rate`` (good clients not approved), ``default_rate``, ``mean_pd``, ``calibration_gap``
        (``default_rate - mean_pd``), and ``referral_rate`` where the policy refers; one is absent where it is not
        defined.
    approval_ratio : Interval or None
        Approval rate divided by that of the best treated group of at least 2 % of the applications.
    below_four_fifths : bool
        Whether that ratio is below 0.8.
    """

    value: str
    applications: int
    rates: Mapping[str, Interval]
    approval_ratio: Interval | None = None
    below_four_fifths: bool = False


@dataclass(frozen=True)
class Fairness:
    """One protected attribute, or a pair of them, group by group.

    Parameters
    ----------
    attributes : tuple of str
        Raw columns (``"table.column"``).
    label : Label
        For people.
    groups : tuple of Group
        The largest first; groups too small to say anything of are put together.
    """

    attributes: tuple[str, ...]
    label: Label
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Alternative:
    """A model trained to discriminate less, beside the served one, out of fold.

    Parameters
    ----------
    name : str
        ``"as served"``, or what was done: columns or proxies dropped, groups balanced.
    attribute : str
        The protected column it is about.
    dropped : tuple of str
        Features left out.
    auc, cost : Interval
        Of all applications.
    money : float or None
        Lost per application, where the portfolio states money.
    approval_rate : float
        Of all applications, at the model's own threshold.
    least_ratio : float
        Smallest approval ratio of the attribute's groups.
    """

    name: str
    attribute: str
    dropped: tuple[str, ...]
    auc: Interval
    cost: Interval
    money: float | None
    approval_rate: float
    least_ratio: float
