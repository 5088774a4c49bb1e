"""The card: a few pages of Markdown that say what a sealed model is."""

from __future__ import annotations

from collections.abc import Sequence

from scorewright.decision.policy import Policy
from scorewright.domain.evaluation import CandidateRecord, Dropped, Evaluation, Interval
from scorewright.report.further import further_parts, markdown_table
from scorewright.report.gathered import Looked
from scorewright.tables.portfolio import Portfolio

_ROWS = (
    ("auc", "AUC"),
    ("gini", "Gini"),
    ("ks", "KS"),
    ("brier", "Brier score"),
    ("log_loss", "Log loss"),
    ("ece", "Calibration error (15 equal-mass bins)"),
    ("approval_rate", "Approval rate"),
    ("bad_rate", "Bad rate among approved"),
    ("cost", "Cost per application"),
)
_RULES = {
    "constant": "threshold, for the cost matrix",
    "constant_money": "threshold, for money",
    "per_loan": "each loan's own",
}
_MOST_DROPPED = 10


def write_card(
    portfolio: Portfolio,
    record: CandidateRecord,
    policy: Policy,
    rows: tuple[int, int],
    dropped: Sequence[Dropped],
    looked: Looked | None = None,
) -> str:
    """Write the card of one candidate; which others it was compared with has no part in it, nor in its bundle's hash.

    Parameters
    ----------
    rows : tuple of int
        Applications that trained it, and applications of the test set.
    dropped : sequence of Dropped
        Features that selection left out.
    looked : Looked, optional
        What was looked for beyond the measures.

    Returns
    -------
    str
        Markdown; the same candidate gives the same text, so that a bundle's hash depends on no clock.
    """
    parts = (
        _opening(portfolio, record, rows),
        _measures(record),
        _calibration(record),
        _policy(record, policy),
        _money(portfolio, record),
        _sensitivity(record),
        _segments(portfolio, record),
        _inputs(record, dropped),
        *further_parts(looked or Looked()),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(portfolio: Portfolio, record: CandidateRecord, rows: tuple[int, int]) -> str:
    costs = portfolio.costs
    return (
        f"# {portfolio.label.en}: {record.name}\n\n"
        f"Trained on {rows[0]:,} applications; measured once on {rows[1]:,} locked away before.\n"
        f"A missed default costs {costs.false_negative:g}, a refused good client {costs.false_positive:g}."
    )


def _measures(record: CandidateRecord) -> str:
    lines = [_measure(key, words, record.out_of_fold, record.test) for key, words in _ROWS]
    return markdown_table("## Measures", ("measure", "out of fold", "test set", "95 % interval"), lines)


def _measure(key: str, words: str, out_of_fold: Evaluation, test: Evaluation) -> tuple[str, ...]:
    interval = test.intervals.get(key)
    return words, _number(out_of_fold, key), _number(test, key), _span(interval) if interval else ""


def _calibration(record: CandidateRecord) -> str:
    lines = [
        (
            f"**{found.kind}**" if found.kind == record.calibration else found.kind,
            *(f"{measure.estimate:.4f}" for measure in (found.log_loss, found.brier, found.ece)),
            _span(found.ece),
        )
        for found in record.calibrations
    ]
    table = markdown_table(
        "## Calibration", ("kind", "log loss", "Brier score", "error", "95 % interval of the error"), lines
    )
    if record.calibrations and not all(found.eligible for found in record.calibrations):
        table += "\n\nWithout calibration its PDs would not be frequencies, because classes were weighted."
    return table


def _policy(record: CandidateRecord, policy: Policy) -> str:
    costs, closed_form = policy.costs, _number(record.out_of_fold, "cost_closed_form")
    text = (
        f"## Policy, version {policy.version}\n\n"
        f"Refused from a PD of {record.threshold:.4f} upwards; on perfectly calibrated PDs the cheapest threshold\n"
        f"would be {costs.closed_form_threshold:.4f}; out of fold that one costs {closed_form} per application."
    )
    if record.threshold_choice:
        choice = record.threshold_choice
        text += (
            f"\nChosen again on resamples, the threshold falls at {_span(choice.threshold)}. Its cost out of fold,"
            f"\n{choice.apparent:.4f}, looks {choice.optimism:.4f} better than it is, because the same rows chose it."
        )
    if policy.rule == "money":
        text += "\nMoney decides: each loan is refused from a PD of its own, which its amounts give."
    lines = [(rule.label.en, rule.outcome) for rule in policy.rules]
    outcomes = ", ".join(f"{record.outcomes[name]:.1%} {name}" for name in ("approved", "referred", "refused"))
    return f"{text}\n\nOn the test set: {outcomes}." + _following(markdown_table("", ("hard rule", "outcome"), lines))


def _money(portfolio: Portfolio, record: CandidateRecord) -> str:
    if record.rules is None or portfolio.money is None:
        return ""
    terms, found = portfolio.money, record.rules
    lines = [
        (
            words,
            *(_with_span(found.rules[rule], name, "{:,.2f}") for name in ("money",)),
            *(_with_span(found.rules[rule], name, "{:.1%}") for name in ("money_savings", "approval_rate", "bad_rate")),
        )
        for rule, words in _RULES.items()
    ]
    header = ("rule", "lost per application", "saved of the cheaper simple policy", "approved", "bad rate")
    stated = (
        f"LGD {terms.lgd:g}, margin rate {terms.margin_rate:g}, recovery {terms.recovery_cost:g}, handling "
        f"{terms.handling_cost:g}, {terms.currency or 'in the currency of the amounts'}; out of fold, "
        f"{found.priced:,} of {found.applications:,} applications have known amounts."
    )
    return markdown_table("## Money", header, lines) + f"\n\n{stated}"


def _sensitivity(record: CandidateRecord) -> str:
    """What the stated costs decide: the constant rule over the cost ratio, each loan's own over LGD."""
    shown = [point for point in record.sweeps if (point.parameter == "lgd") == (point.rule == "per_loan")]
    lines = [
        (
            {"cost_ratio": "cost ratio", "lgd": "LGD"}[point.parameter] + f" {point.value:g}",
            f"{point.threshold:.4f}",
            f"{point.approval_rate:.1%}",
            f"{point.cost:,.4g}",
            f"{point.kept_cost:,.4g}",
        )
        for point in shown
    ]
    header = ("if it were", "threshold (per loan: median)", "approved", "cost", "cost of today's decisions")
    return markdown_table("## If the stated costs are wrong", header, lines)


def _segments(portfolio: Portfolio, record: CandidateRecord) -> str:
    labels = {segment.name: segment.label.en for segment in portfolio.segments}
    lines = [
        (
            f"{labels.get(part.name, part.name)}: {part.value}",
            f"{part.applications:,}",
            "" if part.auc is None else f"{part.auc:.4f}",
            f"{part.default_rate:.1%}",
            f"{part.mean_pd:.1%}",
            f"{part.ece:.4f}",
            f"{part.cost:.4f}",
        )
        for part in record.segments
    ]
    header = ("segment", "applications", "AUC", "defaulted", "mean PD", "calibration error", "cost")
    return markdown_table("## Segments, out of fold", header, lines)


def _inputs(record: CandidateRecord, dropped: Sequence[Dropped]) -> str:
    lines = [(importance.name, f"{importance.share:.1%}") for importance in record.raw_columns[:10]]
    header = ("raw column", "share of mean absolute contribution")
    text = markdown_table("## What it looks at most", header, lines)
    if not dropped:
        return text
    named = [f"- {each.feature}: {each.reason}" for each in dropped[:_MOST_DROPPED]]
    more = len(dropped) - len(named)
    tail = [f"- and {more} more"] if more else []
    return text + f"\n\nFeatures left out: {len(dropped)}\n\n" + "\n".join([*named, *tail])


def _following(table: str) -> str:
    return f"\n\n{table}" if table else ""


def _number(evaluation: Evaluation, key: str) -> str:
    value = evaluation.metrics.get(key)
    return "not defined" if value is None else f"{value:.4f}"


def _span(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _with_span(evaluation: Evaluation, name: str, shape: str) -> str:
    if name not in evaluation.metrics:
        return "not defined"
    interval = evaluation.intervals.get(name)
    value = shape.format(evaluation.metrics[name])
    return f"{value} ({shape.format(interval.low)} to {shape.format(interval.high)})" if interval else value
