"""Verbs that train models and show how they did: train, compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.allowances import AllowLeak, LeakReason, allowed_leaks
from scorewright.cli.console import OUT, progress, say, show_table, warn
from scorewright.cli.learn import Data, PortfolioName
from scorewright.cli.manual import register, with_options, workbench

if TYPE_CHECKING:
    from scorewright.domain.evaluation import CandidateRecord, Comparison
    from scorewright.domain.explanations import Finding
    from scorewright.domain.training import TrainingRecord
    from scorewright.flows.plan import Plan

#: Where the terminal is narrower than the first, only so many columns of the comparison are shown.
_WIDE, _NARROW_COLUMNS = 110, 6
_TRIALS = 10


@dataclass(frozen=True)
class Asked:
    """What `train` is asked."""

    portfolio: PortfolioName
    data: Data
    trials: Annotated[
        int | None,
        typer.Option(
            min=0,
            show_default="10, or with --minutes as many as begin in time",
            help="Parameter sets tried per candidate; 0 keeps the defaults.",
        ),
    ] = None
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Most minutes of tuning per candidate; the clock then decides too, not the seed alone."
        ),
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="The same data, portfolio and seed give the same bundle.")] = 7
    candidates: Annotated[
        list[str] | None, typer.Option("--candidate", help="Compare only these; repeat the option.")
    ] = None
    repeats: Annotated[
        int, typer.Option(min=1, help="Times that applications are dealt into folds anew, to tell noise from progress.")
    ] = 2
    workers: Annotated[
        int, typer.Option(min=1, help="Trials at the same time; the cores are shared out among them.")
    ] = 2
    alternatives: Annotated[
        bool,
        typer.Option(
            "--alternatives",
            help="Look for less discriminatory alternatives to the winner: up to twenty fits per protected column.",
        ),
    ] = False
    allow_leak: AllowLeak = None
    leak_reason: LeakReason = None
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Draw no curves: a little quicker.")] = False

    @property
    def plan(self) -> Plan:
        """How to train."""
        from scorewright.flows.plan import EVERY_CANDIDATE, Plan

        return Plan(
            tuple(self.candidates or EVERY_CANDIDATE),
            seed=self.seed,
            repeats=self.repeats,
            trials=_TRIALS if self.trials is None and self.minutes is None else self.trials,
            minutes=self.minutes,
            workers=self.workers,
            pictures=not self.no_pictures,
            alternatives=self.alternatives,
            allowed=allowed_leaks(self.allow_leak or (), self.leak_reason or ()),
        )


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    register(app, (with_options(train, Asked), compare))


def train(asked: Asked) -> None:
    """Train and compare candidates, and register the simplest within noise of the one that loses the least money.

    Locks a test set away (20 %, or the latest months where the portfolio names a date). On the rest, inside the folds,
    it leaves out features that do not help, tunes and cross-validates each candidate, calibrates its PDs and chooses
    its threshold by cost. The test set is opened once, at the end. Each candidate is sealed in a bundle and tracked in
    MLflow. The first version registered becomes the champion, a later one the challenger: see
    [bold]scorewright promote[/bold]. A training that was stopped goes on where it was when it is started again.

    Example: [bold]scorewright train home_credit --data tables --trials 0[/bold]
    """
    from scorewright.flows.train import train as run_training
    from scorewright.tables.portfolio import load_portfolio

    plan, bench = asked.plan, workbench()
    with progress() as listen:
        trained = run_training(load_portfolio(asked.portfolio), asked.data, plan, bench.shelves, listen)
    _show_training(trained.record)
    say(
        f"Registered {trained.version.portfolio} version {trained.version.version} ({trained.record.winner}) as "
        f"{trained.alias}, bundle {trained.version.bundle[:12]}."
    )
    say("Next: scorewright serve" if trained.alias == "champion" else f"Next: scorewright promote --data {asked.data}")


def compare(
    portfolio: Annotated[
        str | None, typer.Option(help="Portfolio whose latest training is shown; the latest of all by default.")
    ] = None,
) -> None:
    """Show the latest training again: candidates by the money they lose.

    Cost is per application, with the costs of the portfolio. Out-of-fold measures chose the threshold and the winner;
    test measures were taken once, afterwards, and carry a 95 % bootstrap interval.

    Example: [bold]scorewright compare --portfolio home_credit[/bold]
    """
    _show_training(workbench().registry.latest(portfolio))


def _show_training(record: TrainingRecord) -> None:
    warn(*record.warnings, *(_found(finding) for finding in record.findings if finding.severity != "note"))
    ordered = sorted(record.candidates, key=lambda candidate: candidate.out_of_fold.metrics["cost"])
    header = ("candidate", "cost", "AUC", "test cost", "test AUC", "approved", "threshold", "bad rate", "KS", "Gini")
    title = f"{record.portfolio}: {record.applications:,} applications, {record.features} features, seed {record.seed}"
    rows = [_candidate_row(candidate, record.winner) for candidate in ordered]
    shown = len(header) if OUT.width >= _WIDE else _NARROW_COLUMNS
    show_table(title, header[:shown], [row[:shown] for row in rows])
    simple = ", ".join(f"{name.replace('_', ' ')} {cost:.4f}" for name, cost in record.baselines.items())
    say(f"Cost and AUC out of fold, the rest on the locked test set. Without a model: {simple}.")
    winner = record.candidate(record.winner)
    say(f"* {record.reason}")
    if record.comparisons:
        beside = ", ".join(f"{found.candidate} {_difference(found)}" for found in record.comparisons)
        say(f"Cost more than {record.comparisons[0].against}, over paired folds, with 95 % intervals: {beside}.")
    spans = [
        _span(winner, name, words) for name, words in (("cost", "cost"), ("auc", "AUC"), ("ece", "calibration error"))
    ]
    say(f"On the test set, with 95 % intervals: {'; '.join(spans)}. Calibration: {winner.calibration}.")
    shares = ", ".join(f"{share:.1%} {name}" for name, share in winner.outcomes.items() if name in _OUTCOMES)
    say(f"Its policy decides there: {shares}. {_threshold(winner)}")
    if winner.rules is not None:
        lost = ", ".join(f"{words} {winner.rules.rules[rule].metrics['money']:,.2f}" for rule, words in _RULES.items())
        say(f"Money lost per application, out of fold: {lost}.")
    below = [
        f"{group.value} ({each.label.en})"
        for each in record.fairness
        for group in each.groups
        if group.below_four_fifths
    ]
    if below:
        more = f" and {len(below) - 5} more" if len(below) > 5 else ""
        say(f"Approved less than four fifths as often as the best treated group: {', '.join(below[:5])}{more}.")
    if record.dropped:
        say(f"Features left out because they do not help: {len(record.dropped)}; the card says which and why.")


def _found(finding: Finding) -> str:
    return f"{finding.sentence} Allowed: {finding.allowed}" if finding.allowed else finding.sentence


_OUTCOMES = ("approved", "referred", "refused")
_RULES = {"constant": "by the threshold", "per_loan": "by each loan's own threshold"}


def _difference(found: Comparison) -> str:
    return f"{found.difference.estimate:+.4f} ({found.difference.low:+.4f} to {found.difference.high:+.4f})"


def _threshold(record: CandidateRecord) -> str:
    choice = record.threshold_choice
    if choice is None:
        return f"Threshold {record.threshold:.4f}."
    span = f"{choice.threshold.low:.4f} to {choice.threshold.high:.4f}"
    return f"Threshold {record.threshold:.4f}; chosen again on resamples, {span}."


def _candidate_row(record: CandidateRecord, winner: str) -> tuple[str, ...]:
    fold, test = record.out_of_fold.metrics, record.test.metrics
    return (
        f"{record.name}{' *' if record.name == winner else ''}",
        f"{fold['cost']:.4f}",
        f"{fold['auc']:.4f}",
        f"{test['cost']:.4f}",
        f"{test['auc']:.4f}",
        f"{test['approval_rate']:.1%}",
        f"{record.threshold:.4f}",
        f"{test['bad_rate']:.1%}" if "bad_rate" in test else "–",
        f"{test['ks']:.3f}",
        f"{test['gini']:.3f}",
    )


def _span(record: CandidateRecord, name: str, words: str) -> str:
    interval = record.test.intervals.get(name)
    value = f"{words} {record.test.metrics[name]:.4f}"
    return f"{value} ({interval.low:.4f} to {interval.high:.4f})" if interval else value
