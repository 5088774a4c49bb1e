"""A whole report of made-up values: a lender that does not exist."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scorewright.bundle.contents import Bundle, Contents, Provenance
from scorewright.decision.policy import Policy
from scorewright.domain.costs import CostMatrix
from scorewright.domain.decisions import HardRule
from scorewright.domain.evaluation import (
    CalibrationRecord,
    CandidateRecord,
    Comparison,
    Curve,
    Dropped,
    Evaluation,
    Importance,
    Interval,
    RuleComparison,
    Segment,
    SweepPoint,
    ThresholdChoice,
    Trial,
)
from scorewright.domain.explanations import (
    Alternative,
    Dependence,
    Fairness,
    FeatureInsight,
    Finding,
    Group,
    Insight,
    Interaction,
    SharedContribution,
    Shares,
    Swarm,
)
from scorewright.domain.matrix import FeatureColumn, Label
from scorewright.domain.training import TrainingRecord
from scorewright.models.calibrators.platt import Platt
from scorewright.monitor.profile import PdProfile, Profile
from scorewright.report.gathered import Report
from scorewright.tables.contract import ColumnContract, Contract
from scorewright.tables.portfolio import portfolio_from_files

#: What an attacker, or a careless clerk, might call a column.
HOSTILE = "<script>alert('x')</script> & \"so\" {on}"

_LABELS = (
    ("instalments_late_share", "Share of instalments paid late", "Part des échéances payées en retard"),
    ("credit_to_income", "Credit amount relative to income", "Montant du crédit rapporté au revenu"),
    ("external_score", "Score of a credit bureau", "Score d'un bureau de crédit"),
    ("age_of_job", "Years in the present job", "Années dans l'emploi actuel"),
    ("previous_refused", "Previous applications refused", "Demandes précédentes refusées"),
    ("card_utilisation", "Use of the card's limit", "Utilisation du plafond de la carte"),
    ("purpose", "Purpose of the credit", "Objet du crédit"),
    ("annuity", "Annuity", "Annuité"),
    ("bureau_active_debt", "Active debt at other lenders", "Dette en cours chez d'autres prêteurs"),
    ("region_rating", "Rating of the region", "Note de la région"),
    ("family_size", "Members of the household", "Membres du foyer"),
    ("phone_changed", "Days since the phone number changed", "Jours depuis le changement de téléphone"),
)
_PORTFOLIO = """
[portfolio]
name = "harbour"
label = {{ en = {label}, fr = "Banque du port" }}
[target]
column = "defaulted"
default = 1
[costs]
false_negative = 10.0
false_positive = 1.0
[money]
exposure = "amount"
annuity = "annuity"
lgd = 0.55
margin_rate = 0.08
currency = "EUR"
[tables.application]
key = "id"
protected = ["gender", "age"]
[tables.instalments]
parent = "application"
on = "id"
"""


class NoModel:
    """Stands in for a sealed model, which a report never asks to score."""

    kind = "made up"
    scale = "log-odds"

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        return features[:, 0]

    def log_odds(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        return score

    def contributions(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.zeros((len(features), features.shape[1] + 1))

    def files(self) -> Mapping[str, bytes]:
        return {}


def report(label: str = "Harbour Bank", feature: str = "Share of instalments paid late") -> Report:
    """Return a report with every part; the two texts reach many places in it."""
    record = training(feature)
    return Report(record, bundle(label), version="3")


def bare(label: str = "Harbour Bank") -> Report:
    """Return the report of a training that looked for nothing but the measures."""
    record = training()
    only = CandidateRecord("lightgbm", {}, evaluation(0.6, 0.6, 900), evaluation(0.6, 0.6, 100), 0.09, 3.0)
    old = replace(record, candidates=(only,), comparisons=(), findings=(), fairness=(), insight=None)
    return Report(replace(old, alternatives=(), dropped=()), bundle(label), version="1")


def bundle(label: str = "Harbour Bank") -> Bundle:
    quoted = '"' + label.replace("\\", "\\\\").replace('"', '\\"') + '"'
    files = {
        "portfolio.toml": _PORTFOLIO.format(label=quoted).encode(),
        "features/application.sql": b"SELECT * FROM application",
        "features/instalments.sql": b"SELECT AVG(late) AS late FROM instalments GROUP BY id",
    }
    numbers = {
        name: ColumnContract("number", nullable=True, minimum=0.0, maximum=1.0) for name in ("amount", "annuity")
    }
    contract = Contract(
        {"application": {"id": ColumnContract("integer", nullable=False), **numbers}, "instalments": numbers}
    )
    columns = tuple(FeatureColumn(name, "numeric", Label(en, fr), (f"application.{name}",)) for name, en, fr in _LABELS)
    rule = HardRule("minor", "refuse", Label("Applicants must be of age.", "Les demandeurs doivent être majeurs."))
    contents = Contents(
        provenance=Provenance("lightgbm", "f" * 64, 7, {"scorewright": "0.1.0", "polars": "2.1.0"}),
        portfolio=portfolio_from_files(files, "harbour"),
        contract=contract,
        columns=columns,
        model=NoModel(),
        calibration=Platt(1.0, 0.0),
        policy=Policy(0.091, CostMatrix(10.0, 1.0), rules=(rule,), version="2026-1"),
        profile=Profile(1000, PdProfile((), (1000,), 0.1, 0.5), (), 0.2, 0.0),
        metrics={},
        card="",
    )
    return Bundle("b" * 64, contents)


def training(feature: str = "Share of instalments paid late") -> TrainingRecord:
    candidates = (
        candidate("lightgbm", 0.502, 0.781, feature),
        candidate("logistic_regression", 0.531, 0.752),
        candidate("dummy", 0.62, 0.5),
    )
    return TrainingRecord(
        portfolio="harbour",
        seed=7,
        fingerprint="f" * 64,
        applications=12000,
        features=180,
        winner="lightgbm",
        settings={"folds": 5, "repeats": 2, "test_share": 0.2, "trials": 30, "seed": 7, "select": True},
        candidates=candidates,
        warnings=("Table previous was not there: its features are missing.",),
        baselines={"approve_all": 0.81, "refuse_all": 0.92},
        comparisons=(Comparison("logistic_regression", "lightgbm", "cost", Interval(0.029, 0.011, 0.047), 0.009),),
        reason="lightgbm loses least, and no simpler candidate is within one standard error of it.",
        dropped=(Dropped("flag_20", "constant"), Dropped("flag_21", "gains nothing out of fold")),
        test_applications=3000,
        findings=findings(feature),
        insight=insight(feature),
        fairness=fairness(),
        alternatives=alternatives(),
    )


def candidate(name: str, cost: float, auc: float, feature: str = "Share of instalments paid late") -> CandidateRecord:
    return CandidateRecord(
        name=name,
        parameters={"learning_rate": 0.05, "leaves": 31},
        out_of_fold=evaluation(cost, auc, 9600),
        test=evaluation(cost + 0.004, auc - 0.006, 3000),
        threshold=0.091,
        seconds=42.0,
        curves=curves(),
        features=importances(feature),
        raw_columns=tuple(
            Importance(f"application.c{i}", f"Column {i}", 0.5 / (i + 1), 0.3 / (i + 1)) for i in range(8)
        ),
        trials=tuple(
            Trial(i, {"leaves": 8 + i}, 0.3 + 0.1 / (i + 1), "complete" if i % 3 else "pruned") for i in range(1, 24)
        ),
        bundle="b" * 64,
        importances={"leaves": 0.7, "learning_rate": 0.3},
        calibration="beta",
        calibrations=(
            CalibrationRecord("beta", *spans(0.071, 0.262, 0.006), chosen=True),
            CalibrationRecord("none", *spans(0.081, 0.312, 0.106), eligible=False),
        ),
        segments=tuple(Segment("product", each, 4000, 0.08, 0.079, 0.8, 0.5, 0.01, 0.77) for each in ("car", "home")),
        threshold_choice=ThresholdChoice(Interval(0.091, 0.08, 0.11), Interval(0.505, 0.49, 0.52), 0.502, 0.003),
        rules=rules(),
        sweeps=tuple(sweep(value) for value in (5.0, 10.0, 20.0)),
        outcomes={"approved": 0.78, "referred": 0.02, "refused": 0.2, "bad_rate": 0.051, "cost": 0.506, "money": 812.4},
    )


def spans(*estimates: float) -> tuple[Interval, ...]:
    return tuple(span(value) for value in estimates)


def span(value: float, share: float = 0.05) -> Interval:
    return Interval(value, value * (1 - share), value * (1 + share))


def evaluation(cost: float, auc: float, rows: int) -> Evaluation:
    values = {"auc": auc, "gini": 2 * auc - 1, "ks": 0.4, "brier": 0.071, "log_loss": 0.262, "ece": 0.006}
    values |= {"approval_rate": 0.79, "bad_rate": 0.05, "cost": cost}
    counts = {"true_positive": 0.05, "false_negative": 0.04, "true_negative": 0.75, "false_positive": 0.16}
    metrics = {**values, "cost_closed_form": cost + 0.001, **{name: rows * share for name, share in counts.items()}}
    return Evaluation(metrics, {name: span(value) for name, value in values.items()})


def curves() -> tuple[Curve, ...]:
    at = tuple(i / 99 for i in range(100))
    tenths = tuple(0.02 + 0.03 * i for i in range(12))
    return (
        Curve("roc", "False positive rate", "True positive rate", at, tuple(math.sqrt(x) for x in at)),
        Curve("precision_recall", "Recall", "Precision", at, tuple(0.6 - 0.5 * x for x in at)),
        Curve("cost", "Threshold", "Cost per application", at, tuple(0.5 + (x - 0.09) ** 2 for x in at)),
        Curve("calibration", "Mean PD", "Share of defaults", tenths, tuple(x * 1.03 for x in tenths)),
    )


def importances(feature: str) -> tuple[Importance, ...]:
    labels = [feature, *(en for _, en, _ in _LABELS[1:])]
    return tuple(
        Importance(name, label, 0.4 / (i + 1), 0.32 / (i + 1))
        for i, ((name, _, _), label) in enumerate(zip(_LABELS, labels, strict=True))
    )


def rules() -> RuleComparison:
    def rule(money: float) -> Evaluation:
        metrics = {"money": money, "money_savings": 0.31, "approval_rate": 0.8, "bad_rate": 0.05}
        return Evaluation(metrics, {name: span(value) for name, value in metrics.items()})

    each = {"constant": rule(840.0), "constant_money": rule(825.0), "per_loan": rule(812.0)}
    return RuleComparison(each, Interval(-28.0, -40.0, -16.0), 12000, 11900)


def sweep(value: float) -> SweepPoint:
    return SweepPoint("cost_ratio", value, "constant", 1 / (1 + value), 0.8, 0.5 * value / 10, 0.3, 0.52 * value / 10)


def findings(feature: str) -> tuple[Finding, ...]:
    return (
        Finding(
            "separation",
            "refuse",
            ("application.decision_code",),
            ("decision_code",),
            0.997,
            0.98,
            f"{feature} alone reaches an AUC of 0.997.",
            "Nothing known on the day of the application separates so well.",
            "Ask when it is written.",
            allowed="Checked with the lender: it is known before.",
        ),
        Finding(
            "later",
            "warn",
            ("application.annuity",),
            ("annuity",),
            0.31,
            0.25,
            "Annuity is distributed otherwise in the later period.",
            "A model learns then what no longer holds.",
            "Train on later applications.",
        ),
    )


def insight(feature: str = "Share of instalments paid late") -> Insight:
    rows = importances(feature)
    features = tuple(
        FeatureInsight(row, row.share * 0.9, span(0.02 / (i + 1)), 0.9 - 0.15 * i, max(1, i - 1), i + 3)
        for i, row in enumerate(rows)
    )
    wave = [math.sin(12.9898 * i) for i in range(300)]
    swarms = tuple(
        Swarm(
            row.name,
            row.label,
            tuple(row.share * 4 * w * abs(w) for w in wave),
            tuple(None if i % 17 == 0 else (w + 1) / 2 for i, w in enumerate(wave)),
        )
        for row in rows
    )
    return Insight(
        features,
        tuple(Importance(f"instalments.c{i}", f"Column {i}", 0.5 / (i + 1), 0.3 / (i + 1)) for i in range(6)),
        (Importance("instalments", "instalments", 0.6, 0.6), Importance("application", "application", 0.4, 0.4)),
        tuple(dependence(row) for row in rows[:3]),
        (Interaction(rows[0].name, rows[1].name, 0.12), Interaction(rows[1].name, rows[2].name, 0.04)),
        0.93,
        swarms,
    )


def dependence(row: Importance) -> Dependence:
    bins = ("up to 0.05", "0.05 to 0.1", "0.1 to 0.2", "0.2 to 0.4", "above 0.4", "missing")
    mean = tuple(row.share * step for step in (-1.0, -0.4, 0.1, 0.8, 1.9, 0.3))
    low, high = (tuple(value + shift for value in mean) for shift in (-0.1, 0.12))
    return Dependence(row.name, row.label, bins, (400, 380, 300, 210, 120, 40), mean, low, high)


def fairness() -> tuple[Fairness, ...]:
    return (
        Fairness(("application.gender",), Label("gender", "sexe"), (group("F", 7400, 1.0), group("M", 4600, 0.94))),
        Fairness(
            ("application.age",),
            Label("age", "âge"),
            (group("35 to 50", 6000, 1.0), group("under 25", 900, 0.71), group("over 65", 300, 0.97)),
        ),
    )


def group(value: str, applications: int, ratio: float) -> Group:
    rates = {
        "approval_rate": 0.83 * ratio,
        "bad_rate": 0.05,
        "true_positive_rate": 0.52,
        "false_positive_rate": 0.16,
        "default_rate": 0.08,
        "mean_pd": 0.079,
        "calibration_gap": 0.001,
    }
    intervals = {name: span(rate) for name, rate in rates.items()}
    return Group(value, applications, intervals, span(ratio, 0.03), below_four_fifths=ratio < 0.8)


def alternatives() -> tuple[Alternative, ...]:
    return (
        Alternative("as served", "application.age", (), span(0.775, 0.01), span(0.506), 812.4, 0.79, 0.71),
        Alternative(
            "column dropped", "application.age", ("age_years",), span(0.771, 0.01), span(0.511), 819.9, 0.78, 0.83
        ),
    )


def shares() -> Shares:
    """Return both ends of a decision that `shared` leads to."""
    moved = shared()
    return Shares(
        -2.6,
        -2.6 + sum(each.log_odds for each in moved),
        0.07,
        0.07 + sum(each.pd for each in moved),
        560.0,
        560.0 + sum(each.points for each in moved),
    )


def shared() -> tuple[SharedContribution, ...]:
    return tuple(
        SharedContribution(name, Label(en, fr), 0.25 * i, move, move / 14, -28.85 * move)
        for i, (name, en, fr) in enumerate(_LABELS)
        for move in (0.6 * math.cos(i) / (1 + i / 4),)
    )
