"""The parts of an explanation, as the OpenAPI document describes them. Each is answered only to those who ask."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import BaseModel, Field

from scorewright.domain.decisions import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic.config import JsonDict

    from scorewright.domain import explanations
    from scorewright.domain.decisions import Contribution, Decision
    from scorewright.domain.matrix import Label

Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]

#: The same parts in the examples of the document.
EXAMPLE: JsonDict = {
    "base": -0.1,
    "score": 1.04,
    "contributions": [
        {
            "feature": "loans_active_debt",
            "label": {"en": "Active debt", "fr": "Dette en cours"},
            "value": 120000.0,
            "contribution": 0.41,
        }
    ],
    "points": {
        "scale": {"points": 600.0, "odds": 50.0, "pdo": 20.0},
        "base": {"log_odds": -0.1, "pd": 0.08, "points": 557.6},
        "score": {"log_odds": 1.04, "pd": 0.2, "points": 527.1},
        "features": [
            {
                "feature": "loans_active_debt",
                "label": {"en": "Active debt", "fr": "Dette en cours"},
                "value": 120000.0,
                "log_odds": 0.41,
                "pd": 0.043,
                "points": -11.0,
            }
        ],
        "others": {"log_odds": 0.73, "pd": 0.077, "points": -19.5},
    },
    "reasons": [
        {
            "family": "late_payments",
            "label": {"en": "Late payments on previous loans", "fr": "Retards de paiement sur des crédits passés"},
            "sentence": {
                "en": "31 % of instalments were paid late; 4 % is typical of approved clients.",
                "fr": "31 % des échéances ont été payées en retard ; 4 % est habituel chez les clients acceptés.",
            },
            "log_odds": 0.62,
            "points": -16.6,
            "features": ["instalments_late_share"],
        }
    ],
    "withheld": [
        {
            "family": "application.region_rating",
            "label": {"en": "Rating of the region", "fr": "Note de la région"},
            "log_odds": 0.11,
            "columns": ["application.region_rating"],
        }
    ],
    "recourse": {
        "options": [
            {
                "labels": [{"en": "Ask for a smaller loan", "fr": "Demander un crédit plus petit"}],
                "changes": [
                    {
                        "lever": "amount",
                        "column": "application.amount",
                        "rows": 1,
                        "old": 600000.0,
                        "new": 450000.0,
                    }
                ],
                "effort": 0.25,
                "pd": 0.081,
                "decision": "approve",
            }
        ],
        "tried": 64,
        "none_because": None,
    },
    "standing": [
        {
            "name": "pd",
            "label": {"en": "Probability of default", "fr": "Probabilité de défaut"},
            "value": 0.2,
            "bins": [
                {"name": "≤ 0.05", "share": 0.5, "approval_rate": 1.0},
                {"name": "0.05 – 0.15", "share": 0.38, "approval_rate": 0.44},
                {"name": "> 0.15", "share": 0.12, "approval_rate": 0.0},
            ],
            "bin": 2,
            "percentile": 88.7,
            "approval_rate": 0.0,
        }
    ],
}


class LabelAnswer(BaseModel):
    """What a person reads in place of a technical name."""

    en: str
    fr: str


class ContributionAnswer(BaseModel):
    """How far one feature moved the score."""

    feature: str = Field(description="Technical name, unique in the model.")
    label: LabelAnswer
    value: float | str | None = Field(description="The feature's value; null when missing.")
    contribution: Finite = Field(description="On the scale of the answer; above 0 speaks for default.")


class PointScaleAnswer(BaseModel):
    """What points mean: `points` stand for `odds` good to one bad, and `pdo` more double these odds."""

    points: Finite
    odds: Finite
    pdo: Finite


class OnScales(BaseModel):
    """One quantity on three scales."""

    log_odds: Finite = Field(description="Before calibration; above 0 speaks for default.")
    pd: Finite = Field(description="Calibrated; above 0 speaks for default.")
    points: Finite = Field(description="More is better.")


class SharedAnswer(OnScales):
    """How far one feature moved the score, on three scales."""

    feature: str = Field(description="Technical name, unique in the model.")
    label: LabelAnswer
    value: float | str | None = Field(description="The feature's value; null when missing.")


class PointsAnswer(BaseModel):
    """The score shared out among the features: on each scale base, features and others sum to the score."""

    scale: PointScaleAnswer | None = Field(description="What the points mean.")
    base: OnScales = Field(description="The average application.")
    score: OnScales = Field(description="This application.")
    features: tuple[SharedAnswer, ...] = Field(description="Those that moved it most, the largest first.")
    others: OnScales = Field(description="What all other features add.")


class ReasonAnswer(BaseModel):
    """Why the score is worse than the average."""

    family: str = Field(description="Technical name of a group of features, unique in the portfolio.")
    label: LabelAnswer
    sentence: LabelAnswer = Field(description="For the applicant, with the applicant's own values.")
    log_odds: Finite = Field(description="What its features add, above 0.")
    points: Finite = Field(description="What they take away, below 0.")
    features: tuple[str, ...] = Field(description="Those that moved the score, the largest first.")


class WithheldAnswer(BaseModel):
    """What moved the score and is never given as a reason, because it is protected or stands for what is."""

    family: str
    label: LabelAnswer
    log_odds: Finite = Field(description="What its features add, above 0.")
    columns: tuple[str, ...] = Field(description="The raw columns concerned, as table.column.")


class ChangeAnswer(BaseModel):
    """One raw column, changed."""

    lever: str = Field(description="Name in the portfolio of what moves it.")
    column: str = Field(description="As table.column.")
    rows: int = Field(description="Rows it changes in.")
    old: float | str | None = Field(description="Before; of a history the sum over these rows.")
    new: float | str | None = Field(description="After, likewise.")


class OptionAnswer(BaseModel):
    """One way to another decision, as this very model decides it."""

    labels: tuple[LabelAnswer, ...] = Field(description="What would have to be done.")
    changes: tuple[ChangeAnswer, ...]
    effort: Finite = Field(description="The shares of the levers' ranges that are used, added up: less is easier.")
    pd: Probability
    decision: Outcome


class RecourseAnswer(BaseModel):
    """The smallest feasible changes that would lead to approval."""

    options: tuple[OptionAnswer, ...] = Field(description="The easiest first; each moves other levers.")
    tried: int = Field(description="Variations that were scored.")
    none_because: LabelAnswer | None = Field(description="Why there is none; null where there is one.")


class BinAnswer(BaseModel):
    """One bar of a chart."""

    name: str = Field(description="Its ends or its category; … for rare categories together.")
    share: Probability = Field(description="Of the reference population; what bins leave of 1 has no value.")
    approval_rate: Probability | None = Field(description="Share approved; null where too few are in it to say.")


class PlaceAnswer(BaseModel):
    """Where the application stands among those that the model learnt from, by counts and never by persons."""

    name: str = Field(description="pd, or the technical name of a feature.")
    label: LabelAnswer
    value: float | str | None = Field(description="The application's own; null when missing.")
    bins: tuple[BinAnswer, ...]
    bin: int | None = Field(description="Position of its own bin, from 0; null when its value is missing.")
    percentile: Annotated[float, Field(ge=0, le=100)] | None = Field(
        description="Share of those with a lower value, in percent; null for categories and where the value is missing."
    )
    approval_rate: Probability | None = Field(description="Share approved in its own bin: of comparable clients.")


def label_answer(label: Label) -> LabelAnswer:
    """Say a label."""
    return LabelAnswer(en=label.en, fr=label.fr)


def contributions_answer(contributions: Sequence[Contribution], top: int) -> tuple[ContributionAnswer, ...]:
    """Say the `top` largest contributions. Equal ones keep their order."""
    largest = sorted(contributions, key=lambda one: -abs(one.contribution))[:top]
    return tuple(
        ContributionAnswer(
            feature=one.feature, label=label_answer(one.label), value=one.value, contribution=one.contribution
        )
        for one in largest
    )


def points_answer(decision: Decision, top: int) -> PointsAnswer | None:
    """Say the shares of the `top` features that weigh most, and of all others by what is left."""
    shares, scale = decision.shares, decision.point_scale
    if shares is None:
        return None
    base = OnScales(log_odds=shares.base, pd=shares.base_pd, points=shares.base_points)
    score = OnScales(log_odds=shares.log_odds, pd=shares.pd, points=shares.points)
    largest = sorted(decision.shared, key=lambda one: -abs(one.log_odds))[:top]
    return PointsAnswer(
        scale=None if scale is None else PointScaleAnswer(points=scale.points, odds=scale.odds, pdo=scale.pdo),
        base=base,
        score=score,
        features=tuple(map(_shared, largest)),
        others=OnScales(
            log_odds=_left(score.log_odds, base.log_odds, [one.log_odds for one in largest]),
            pd=_left(score.pd, base.pd, [one.pd for one in largest]),
            points=_left(score.points, base.points, [one.points for one in largest]),
        ),
    )


def reasons_answer(reasons: explanations.Reasons | None) -> tuple[ReasonAnswer, ...] | None:
    """Say the reasons given."""
    return None if reasons is None else tuple(map(_reason, reasons.given))


def withheld_answer(reasons: explanations.Reasons | None) -> tuple[WithheldAnswer, ...] | None:
    """Say what was kept back."""
    return None if reasons is None else tuple(map(_withheld, reasons.withheld))


def recourse_answer(recourse: explanations.Recourse | None) -> RecourseAnswer | None:
    """Say the ways to another decision."""
    if recourse is None:
        return None
    why = recourse.none_because
    return RecourseAnswer(
        options=tuple(map(_option, recourse.options)),
        tried=recourse.tried,
        none_because=None if why is None else label_answer(why),
    )


def standing_answer(places: Sequence[explanations.Place] | None) -> tuple[PlaceAnswer, ...] | None:
    """Say where the application stands."""
    return None if places is None else tuple(map(_place, places))


def _left(score: float, base: float, shown: list[float]) -> float:
    return math.fsum([score, -base, *(-part for part in shown)])


def _shared(one: explanations.SharedContribution) -> SharedAnswer:
    return SharedAnswer(
        feature=one.feature,
        label=label_answer(one.label),
        value=one.value,
        log_odds=one.log_odds,
        pd=one.pd,
        points=one.points,
    )


def _reason(reason: explanations.Reason) -> ReasonAnswer:
    return ReasonAnswer(
        family=reason.family,
        label=label_answer(reason.label),
        sentence=label_answer(reason.sentence),
        log_odds=reason.log_odds,
        points=reason.points,
        features=reason.features,
    )


def _withheld(one: explanations.Withheld) -> WithheldAnswer:
    return WithheldAnswer(family=one.family, label=label_answer(one.label), log_odds=one.log_odds, columns=one.columns)


def _option(option: explanations.Option) -> OptionAnswer:
    return OptionAnswer(
        labels=tuple(map(label_answer, option.labels)),
        changes=tuple(map(_change, option.changes)),
        effort=option.effort,
        pd=option.pd,
        decision=cast("Outcome", option.outcome),
    )


def _change(change: explanations.Change) -> ChangeAnswer:
    return ChangeAnswer(lever=change.lever, column=change.column, rows=change.rows, old=change.old, new=change.new)


def _place(place: explanations.Place) -> PlaceAnswer:
    bars = zip(place.bins, place.shares, place.approved, strict=True)
    return PlaceAnswer(
        name=place.name,
        label=label_answer(place.label),
        value=place.value,
        bins=tuple(BinAnswer(name=name, share=share, approval_rate=rate) for name, share, rate in bars),
        bin=place.bin,
        percentile=place.percentile,
        approval_rate=None if place.bin is None else place.approved[place.bin],
    )
