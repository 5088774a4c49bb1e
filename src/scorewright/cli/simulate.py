"""The verb that tries another policy before it decides anything: simulate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.console import progress, say, show_table, warn
from scorewright.cli.manual import register, with_options, workbench
from scorewright.cli.use import WhichModel, WhichPortfolio
from scorewright.domain.decisions import RuleKind
from scorewright.errors import SettingsError

if TYPE_CHECKING:
    from scorewright.decision.strategy import Tally
    from scorewright.domain.costs import CostMatrix
    from scorewright.domain.evaluation import Interval
    from scorewright.flows.simulate import Simulated, Simulation, Variant, World


@dataclass(frozen=True)
class Asked:
    """The options of the verb."""

    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder with applications to decide again.")]
    portfolio: WhichPortfolio = None
    model: WhichModel = "champion"
    threshold: Annotated[
        list[float] | None, typer.Option(help="Refuse from this PD upwards; repeat it to compare several.")
    ] = None
    costs: Annotated[
        str | None, typer.Option(metavar="FN:FP", help="Costs of a missed default and of a refused good client: 12:1.")
    ] = None
    refer: Annotated[float | None, typer.Option(help="Refer at most this share to officers, 0.1; 0 refers none.")] = (
        None
    )
    rule: Annotated[RuleKind | None, typer.Option(help="One threshold for all, or each loan's own from its money.")] = (
        None
    )
    lgd: Annotated[float | None, typer.Option(help="Loss given default instead of the portfolio's, 0.6.")] = None
    without_rule: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Leave out this hard rule; repeat the option.")
    ] = None
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Parquet or CSV file for those who change sides.")
    ] = None


def add_verbs(app: typer.Typer) -> None:
    """Register the verb."""
    register(app, (with_options(simulate, Asked),))


def simulate(asked: Asked) -> None:
    """Show what another policy would have done, before any is deployed.

    Decides the same applications by the champion's policy and by variants of it: approvals, referrals, refusals, bad
    rate among the approved, cost per application with a paired bootstrap interval of the difference, and who changes
    sides. On the tables of the training these are the test applications that it locked away; other labelled tables are
    used whole; without outcomes only decisions are shown. What is chosen by the test applications is to be confirmed on
    later ones.

    --costs and --lgd say what decisions are taken to cost, and price the current policy too; other costs move the
    threshold to the one that is cheapest on calibrated PDs, unless --threshold names one. A referred application is
    priced as the PD alone would decide it, plus the portfolio's cost of a referral in money.

    Example: [bold]scorewright simulate --data tables --threshold 0.08 --threshold 0.12 --out changes.csv[/bold]
    """
    from scorewright.flows.champion import load_version
    from scorewright.flows.simulate import simulate_folder

    variants, world = _variants(asked), _world(asked)
    with progress() as listen:
        loaded = load_version(workbench().registry, asked.portfolio, asked.model, unseen="null")
        simulated = simulate_folder(loaded, asked.data, variants, world, asked.out, listen)
    warn(*simulated.notices)
    _show(simulated)
    if asked.out is not None:
        say(f"{simulated.changes.height:,} changes of side in {asked.out}.")


def _variants(asked: Asked) -> list[Variant]:
    given = (asked.threshold, asked.costs, asked.refer, asked.rule, asked.lgd, asked.without_rule)
    if all(value is None or value == [] for value in given):
        raise SettingsError(
            "A simulation changes something of the policy.",
            "no change",
            "Give --threshold, --costs, --refer, --rule, --lgd or --without-rule.",
        )
    from scorewright.flows.simulate import Variant

    thresholds: list[float | None] = [*dict.fromkeys(asked.threshold or [])]
    without = tuple(asked.without_rule or ())
    return [Variant(threshold, asked.rule, asked.refer, without) for threshold in thresholds or [None]]


def _world(asked: Asked) -> World:
    from scorewright.flows.simulate import World

    return World(None if asked.costs is None else cost_matrix(asked.costs), asked.lgd)


def cost_matrix(text: str) -> CostMatrix:
    """Read costs as people write them.

    Raises
    ------
    SettingsError
        They are no two numbers above 0.

    Examples
    --------
    >>> cost_matrix("12:1")
    CostMatrix(false_negative=12.0, false_positive=1.0)
    """
    from scorewright.domain.costs import CostMatrix

    try:
        missed, refused = (float(part) for part in text.split(":"))
    except ValueError:
        missed = refused = 0.0
    if not (0.0 < missed < float("inf") and 0.0 < refused < float("inf")):
        raise SettingsError(
            "Costs are two numbers above 0: a missed default, then a refused good client.", repr(text), "Give 10:1."
        )
    return CostMatrix(missed, refused)


def _show(simulated: Simulated) -> None:
    costs = simulated.costs
    header = ("policy", "approved", "referred", "refused", "bad rate", "cost", "difference")
    rows = [("now", *_tally(simulated.current), ""), *map(_row, simulated.variants)]
    show_table(simulated.rows, header, rows)
    if simulated.current.cost is not None:
        prices = f"{costs.false_negative:g}:{costs.false_positive:g}"
        say(f"Cost per application at {prices}; differences with 95 % intervals.")
        _show_money(simulated)
        say("Referred applications are priced as the PD alone would decide them, plus the referral cost in money.")
    for simulation in simulated.variants:
        _show_moves(simulation)


def _show_money(simulated: Simulated) -> None:
    current, terms = simulated.current, simulated.terms
    if current.money is None or terms is None:
        return
    rows = [("now", f"{current.money:,.2f}", ""), *map(_money_row, simulated.variants)]
    unit = f", in {terms.currency}" if terms.currency else ""
    show_table(f"\nMoney lost per application{unit}", ("policy", "cost", "difference"), rows)
    say(f"Over the {current.priced:,} of {current.applications:,} whose amounts are known; LGD {terms.lgd:g}.")


def _tally(tally: Tally) -> Iterator[str]:
    for group in (tally.approved, tally.referred, tally.refused):
        yield f"{group:,} ({group / tally.applications:.1%})"
    yield "–" if tally.bad_rate is None else f"{tally.bad_rate:.2%}"
    yield "–" if tally.cost is None else f"{tally.cost:.4f}"


def _row(simulation: Simulation) -> tuple[str, ...]:
    return (simulation.name, *_tally(simulation.tally), _span(simulation.difference.cost, "+.4f"))


def _money_row(simulation: Simulation) -> tuple[str, ...]:
    money = simulation.tally.money
    shown = "–" if money is None else f"{money:,.2f}"
    return simulation.name, shown, _span(simulation.difference.money, "+,.2f")


def _span(interval: Interval | None, form: str) -> str:
    if interval is None:
        return "–"
    return f"{interval.estimate:{form}} ({interval.low:{form}} to {interval.high:{form}})"


def _show_moves(simulation: Simulation) -> None:
    moves = simulation.difference.moves
    if not moves:
        say(f"\n{simulation.name}: nobody changes sides.")
        return
    rows = [(f"{move.before} → {move.after}", f"{move.applications:,}", _rate(move.default_rate)) for move in moves]
    show_table(f"\n{simulation.name}: who changes sides", ("from → to", "applications", "default rate"), rows)


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.1%}"
