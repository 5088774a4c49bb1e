"""The card: one page of Markdown that says what a sealed model is."""

from __future__ import annotations

from scorewright.domain.evaluation import CandidateRecord, Evaluation
from scorewright.tables.portfolio import Portfolio

_ROWS = (
    ("auc", "AUC"),
    ("gini", "Gini"),
    ("ks", "KS"),
    ("brier", "Brier score"),
    ("log_loss", "Log loss"),
    ("approval_rate", "Approval rate"),
    ("bad_rate", "Bad rate among approved"),
    ("cost", "Cost per application"),
)


def write_card(portfolio: Portfolio, record: CandidateRecord, train_rows: int, test_rows: int) -> str:
    """Write the card of one candidate.

    Returns
    -------
    str
        Markdown; the same candidate gives the same text, so that a bundle's hash depends on no clock.
    """
    costs, closed_form = portfolio.costs, _number(record.out_of_fold, "cost_closed_form")
    lines = [
        f"# {portfolio.label.en}: {record.name}",
        "",
        f"Trained on {train_rows:,} applications; measured once on {test_rows:,} locked away before.",
        f"A missed default costs {costs.false_negative:g}, a refused good client {costs.false_positive:g}.",
        f"Refused from a PD of {record.threshold:.4f} upwards; on perfectly calibrated PDs the cheapest threshold",
        f"would be {costs.closed_form_threshold:.4f}; out of fold that one costs {closed_form} per application.",
        "",
        "| measure | out of fold | test set | 95 % interval |",
        "| --- | ---: | ---: | ---: |",
        *[_row(key, words, record.out_of_fold, record.test) for key, words in _ROWS],
        "",
        "## What it looks at most",
        "",
        "| raw column | share of mean absolute contribution |",
        "| --- | ---: |",
        *[f"| {importance.name} | {importance.share:.1%} |" for importance in record.raw_columns[:10]],
        "",
    ]
    return "\n".join(lines)


def _row(key: str, words: str, out_of_fold: Evaluation, test: Evaluation) -> str:
    interval = test.intervals.get(key)
    span = f"{interval.low:.4f} to {interval.high:.4f}" if interval else ""
    return f"| {words} | {_number(out_of_fold, key)} | {_number(test, key)} | {span} |"


def _number(evaluation: Evaluation, key: str) -> str:
    value = evaluation.metrics.get(key)
    return "not defined" if value is None else f"{value:.4f}"
