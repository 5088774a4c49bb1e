"""Verbs of the modeller: sample, init, check, train, compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.console import OUT, progress, say, show_table, warn
from scorewright.cli.manual import register, workbench

if TYPE_CHECKING:
    from scorewright.domain.evaluation import CandidateRecord, Comparison, TrainingRecord
    from scorewright.tables.contract import ColumnContract

PortfolioName = Annotated[
    str, typer.Argument(metavar="PORTFOLIO", help="Shipped portfolio by name, or a folder with portfolio.toml.")
]
Data = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", help="Folder with the tables (CSV, zipped CSV, Parquet), or the one table."),
]


#: Where the terminal is narrower than the first, only so many columns of the comparison are shown.
_WIDE, _NARROW_COLUMNS = 110, 6
_TRIALS = 10


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    register(app, (sample, init, check, train, compare))


def sample(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder to write.")],
    applications: Annotated[
        int, typer.Option(help="Labelled applications; as many as 307511 like the official set.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same tables.")] = 7,
    months: Annotated[int, typer.Option(help="Spread applications over so many months; 0 for none.")] = 0,
    drift_from: Annotated[
        int | None, typer.Option(help="Month from which the population drifts; two thirds of the way by default.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV instead of Parquet.")] = False,
) -> None:
    """Make the seven Home Credit tables from a latent risk process.

    No row is a real person's. About 8 % default, and histories carry signal beyond the application. Applications to
    score come along in application_test, without a target. With --months a column DATE_APPLICATION is added: train on
    such a sample to watch the drift in it.

    Example: [bold]scorewright sample tables --applications 20000 --seed 7[/bold]
    """
    from scorewright.tables.sample import SampleConfig, write_sample

    config = SampleConfig(applications, seed, months, drift_from, "csv" if csv else "parquet")
    with progress() as listen:
        summary = write_sample(config, out, listen)
    show_table(f"Sample in {out}", ("table", "rows"), [(name, f"{rows:,}") for name, rows in summary.rows.items()])
    say(f"Default rate {summary.default_rate:.2%}, seed {seed}. Next: scorewright train home_credit --data {out}")


def init(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the portfolio.")],
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="CSV or Parquet with one row per application.")],
    target: Annotated[
        str, typer.Option("--target", metavar="COLUMN", help="Column that says how each application ended.")
    ],
) -> None:
    """Draft a portfolio for a table that nobody prepared.

    Guesses the key, identifiers, dates and which target value means "defaulted", and writes portfolio.toml and
    features/application.sql, both meant to be read and mended. `train` runs on the draft as it is.

    Example: [bold]scorewright init my_book --data loans.csv --target defaulted[/bold]
    """
    from scorewright.tables.drafting import draft_portfolio

    draft = draft_portfolio(data, target, out)
    rows = [
        ("applications", f"{draft.rows:,}"),
        ("key", draft.key or "none: rows are numbered"),
        ("defaulted when", f"{target} = {draft.default} ({draft.default_rate:.1%})"),
        ("features", str(draft.features)),
        ("left out", ", ".join(draft.left_out) or "nothing"),
    ]
    show_table(f"Portfolio drafted in {draft.folder}", ("what", "guess"), rows)
    say(f"Check {draft.folder}/portfolio.toml, then: scorewright train {draft.folder} --data {data}")


def check(portfolio: PortfolioName, data: Data) -> None:
    """Check tables against a portfolio, without training.

    Reads every table, checks columns, types, keys, links and the target, compiles the feature SQL and prints what the
    columns hold. A training seals the same description of its own rows. Nothing is written.

    Example: [bold]scorewright check home_credit --data tables[/bold]
    """
    from scorewright.flows.check import check_folder
    from scorewright.tables.portfolio import load_portfolio

    with progress() as listen:
        checked = check_folder(load_portfolio(portfolio), data, listen)
    warn(*checked.notices)
    for table, columns in checked.contract.tables.items():
        rows = [_column_row(name, column) for name, column in columns.items()]
        show_table(f"\n{table}: {checked.rows[table]:,} rows", ("column", "type", "empty", "values"), rows)
    say(
        f"\nThe data hold: tables {len(checked.contract.tables)}, features {checked.features}; "
        f"{checked.defaulted:,} of {checked.applications:,} applications defaulted."
    )
    if checked.absent:
        say(f"Absent, so their features are empty: {', '.join(checked.absent)}.")


def _column_row(name: str, column: ColumnContract) -> tuple[str, str, str, str]:
    span = f"{column.minimum:g} to {column.maximum:g}" if column.minimum is not None else ""
    values = f"{len(column.categories)} categories" if column.categories else span
    return name, column.type, "may be" if column.nullable else "never", values


def train(
    portfolio: PortfolioName,
    data: Data,
    trials: Annotated[
        int | None,
        typer.Option(
            min=0,
            show_default="10, or with --minutes as many as begin in time",
            help="Parameter sets tried per candidate; 0 keeps the defaults.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Most minutes of tuning per candidate; the clock then decides too, not the seed alone."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same data, portfolio and seed give the same bundle.")] = 7,
    candidates: Annotated[
        list[str] | None, typer.Option("--candidate", help="Compare only these; repeat the option.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Times that applications are dealt into folds anew, to tell noise from progress.")
    ] = 2,
    workers: Annotated[
        int, typer.Option(min=1, help="Trials at the same time; the cores are shared out among them.")
    ] = 2,
) -> None:
    """Train and compare candidates, and register the simplest within noise of the one that loses the least money.

    Locks a test set away (20 %, or the latest months where the portfolio names a date). On the rest, inside the folds,
    it leaves out features that do not help, tunes and cross-validates each candidate, calibrates its PDs and chooses
    its threshold by cost. The test set is opened once, at the end. Each candidate is sealed in a bundle and tracked in
    MLflow. The first version registered becomes the champion, a later one the challenger: see
    [bold]scorewright promote[/bold]. A training that was stopped goes on where it was when it is started again.

    Example: [bold]scorewright train home_credit --data tables --trials 0[/bold]
    """
    from scorewright.flows.plan import EVERY_CANDIDATE, Plan
    from scorewright.flows.train import train as run_training
    from scorewright.tables.portfolio import load_portfolio

    compared = tuple(candidates or EVERY_CANDIDATE)
    trials = _TRIALS if trials is None and minutes is None else trials
    plan = Plan(compared, seed=seed, repeats=repeats, trials=trials, minutes=minutes, workers=workers)
    bench = workbench()
    with progress() as listen:
        trained = run_training(load_portfolio(portfolio), data, plan, bench.shelves, listen)
    _show_training(trained.record)
    say(
        f"Registered {trained.version.portfolio} version {trained.version.version} ({trained.record.winner}) as "
        f"{trained.alias}, bundle {trained.version.bundle[:12]}."
    )
    say("Next: scorewright serve" if trained.alias == "champion" else f"Next: scorewright promote --data {data}")


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
    warn(*record.warnings)
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
    if record.dropped:
        say(f"Features left out because they do not help: {len(record.dropped)}; the card says which and why.")


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
