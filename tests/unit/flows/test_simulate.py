from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from scorewright.decision.referral import Band
from scorewright.domain.costs import CostMatrix
from scorewright.errors import OutputError, SettingsError
from scorewright.flows.champion import LoadedModel
from scorewright.flows.dataset import read_labelled, split
from scorewright.flows.simulate import Simulated, Simulation, Variant, World, changed, simulate_folder
from tests.unit.flows.small_book import BOOK, MONEY, RULES, THRESHOLD, made_model, other_labelled, unlabelled

FULL = BOOK + MONEY + RULES.format(more="refer_at_most = 0.2")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def model(data: Path) -> LoadedModel:
    return made_model(data, FULL)


@pytest.fixture(scope="module")
def plain(data: Path, model: LoadedModel) -> LoadedModel:
    """The same without money, rules and referral."""
    return made_model(data)


def only(simulated: Simulated) -> Simulation:
    (simulation,) = simulated.variants
    return simulation


def test_the_locked_test_set_of_the_training_is_used(model: LoadedModel, data: Path) -> None:
    labelled = read_labelled(model.scorer.bundle.contents.portfolio, data)
    _, test = split(labelled, 0.25)
    simulated = simulate_folder(model, data, [Variant(threshold=0.5)])
    assert simulated.rows == f"{len(test)} test applications that the training locked away"
    assert simulated.current.applications == len(test) < 400
    assert set(simulated.changes["loan id"]) <= set(labelled.tables["application"]["loan id"][test])


def test_other_labelled_tables_are_used_whole(model: LoadedModel, tmp_path: Path) -> None:
    simulated = simulate_folder(model, other_labelled(tmp_path / "other"), [Variant(threshold=0.5)])
    assert simulated.rows == "100 labelled applications of other tables than the training's"
    assert simulated.current.cost is not None


def test_the_tally_is_that_of_the_threshold(plain: LoadedModel, data: Path) -> None:
    """Counted once more from the incomes of the test applications."""
    labelled = read_labelled(plain.scorer.bundle.contents.portfolio, data)
    _, test = split(labelled, 0.25)
    income, target = labelled.tables["application"]["income"].to_numpy()[test], labelled.target[test]
    pd = 1 / (1 + np.exp(-(1.5 - np.where(np.isnan(income), 2000.0, income) / 1500)))
    simulated = simulate_folder(plain, data, [Variant(threshold=0.5), Variant(threshold=0.2)])
    assert [one.name for one in simulated.variants] == ["threshold 0.5", "threshold 0.2"]
    tallies = (simulated.current, *(variant.tally for variant in simulated.variants))
    for threshold, found in zip((THRESHOLD, 0.5, 0.2), tallies, strict=True):
        approved = pd < threshold
        assert (found.approved, found.referred, found.refused) == (approved.sum(), 0, (~approved).sum())
        assert found.bad_rate == pytest.approx(target[approved].mean())
        assert found.cost == pytest.approx(np.mean(10 * target * approved + (1 - target) * ~approved))
        assert found.money is None
    higher = simulated.variants[0].difference
    assert higher.cost is not None
    assert higher.cost.estimate == pytest.approx(simulated.variants[0].tally.cost - simulated.current.cost)
    (move,) = higher.moves
    moved = (pd >= THRESHOLD) & (pd < 0.5)
    assert (move.before, move.after, move.applications) == ("refuse", "approve", moved.sum())
    assert move.default_rate == pytest.approx(target[moved].mean())


def test_those_who_change_sides_are_written_by_key_and_nothing_else(
    model: LoadedModel, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "changes.csv"
    simulated = simulate_folder(model, data, [Variant(threshold=0.5), Variant(without=("far",))], out=out)
    changes = pl.read_csv(out)
    assert changes.columns == ["loan id", "variant", "now", "then"]
    assert changes.equals(simulated.changes)
    assert changes["now"].ne(changes["then"]).all()
    counted = {one.name: sum(move.applications for move in one.difference.moves) for one in simulated.variants}
    assert dict(changes["variant"].value_counts().iter_rows()) == {name: n for name, n in counted.items() if n}


def test_a_file_that_cannot_be_written_is_refused_first(model: LoadedModel, data: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        simulate_folder(model, data, [Variant(threshold=0.5)], out=tmp_path / "changes.xlsx")


def test_leaving_out_a_rule_frees_those_whom_it_alone_held(model: LoadedModel, data: Path) -> None:
    simulation = only(simulate_folder(model, data, [Variant(without=("far",))]))
    assert simulation.name == "without far"
    assert {move.before for move in simulation.difference.moves} == {"refer"}
    assert [rule.name for rule in simulation.policy.rules] == ["poor"]


def test_other_costs_price_both_and_move_the_threshold_to_the_closed_form(plain: LoadedModel, data: Path) -> None:
    simulated = simulate_folder(plain, data, [Variant(), Variant(threshold=0.3)], World(CostMatrix(3.0, 1.0)))
    first, same = simulated.variants
    assert first.policy.threshold == 0.25
    assert (first.name, same.name) == ("threshold 0.25", "threshold 0.3")
    assert same.tally == simulated.current
    assert simulated.costs == CostMatrix(3.0, 1.0)


def test_refer_sets_a_band_on_the_simulated_applications(plain: LoadedModel, data: Path) -> None:
    simulation = only(simulate_folder(plain, data, [Variant(refer=0.1)]))
    assert isinstance(simulation.policy.referral, Band)
    assert simulation.tally.referred == simulation.tally.applications // 10
    assert simulation.difference.cost is not None
    assert simulation.difference.cost.estimate == 0.0
    assert simulation.name == "refer 10%"


def test_refer_nothing_takes_the_band_away(model: LoadedModel, data: Path) -> None:
    simulated = simulate_folder(model, data, [Variant(refer=0.0)])
    simulation = only(simulated)
    assert simulation.policy.referral is None
    assert simulation.tally.referred < simulated.current.referred
    saved = (simulated.current.referred - simulation.tally.referred) * 3.0
    assert simulation.difference.money is not None
    assert saved > 0
    assert simulation.difference.money.estimate < 0


def test_money_decides_where_it_is_asked_to(model: LoadedModel, data: Path) -> None:
    simulated = simulate_folder(model, data, [Variant(rule="money"), Variant(rule="threshold", refer=0.0)])
    money, threshold = simulated.variants
    assert (money.name, threshold.name) == ("money rule", "threshold 0.3, refer none")
    assert money.policy.rule == "money"
    assert money.tally.approved != simulated.current.approved
    assert simulated.current.priced == money.tally.priced > 0


def test_another_lgd_moves_each_loans_threshold_and_every_price(data: Path, tmp_path: Path) -> None:
    book = made_model(tmp_path, BOOK + MONEY + RULES.format(more='rule = "money"'))
    usual, worse = (simulate_folder(book, tmp_path, [Variant()], World(lgd=lgd)) for lgd in (0.5, 1.0))
    assert only(usual).tally == usual.current
    assert only(worse).tally.approved < worse.current.approved == usual.current.approved
    assert worse.current.money is not None
    assert usual.current.money is not None
    assert worse.current.money > usual.current.money
    assert worse.terms is not None
    assert worse.terms.lgd == 1.0


def test_without_outcomes_only_decisions_are_told(model: LoadedModel, tmp_path: Path) -> None:
    simulated = simulate_folder(model, unlabelled(tmp_path / "new"), [Variant(threshold=0.6)])
    assert simulated.rows == "60 applications whose outcome is not known"
    assert (simulated.current.cost, simulated.current.bad_rate) == (None, None)
    assert only(simulated).difference.cost is None
    assert only(simulated).difference.moves


@pytest.mark.parametrize(
    ("variant", "world", "what"),
    [
        (Variant(threshold=1.5), World(), "1.5"),
        (Variant(threshold=float("nan")), World(), "nan"),
        (Variant(threshold=0.5, rule="money"), World(), "Choose one rule"),
        (Variant(refer=1.0), World(), "between 0 and 1"),
        (Variant(rule="money"), World(), "states none"),
        (Variant(), World(lgd=0.5), "states none"),
        (Variant(without=("far",)), World(), "It has: none"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    plain: LoadedModel, variant: Variant, world: World, what: str
) -> None:
    with pytest.raises(SettingsError, match=what):
        simulate_folder(plain, Path("nowhere"), [variant], world)


def test_an_lgd_is_a_share(model: LoadedModel) -> None:
    with pytest.raises(SettingsError, match="between 0 and 1"):
        simulate_folder(model, Path("nowhere"), [Variant()], World(lgd=1.5))


def test_a_share_too_small_to_refer_anyone_is_refused(plain: LoadedModel, data: Path) -> None:
    with pytest.raises(SettingsError, match="at least one reference application"):
        simulate_folder(plain, data, [Variant(refer=0.001)])


def test_a_threshold_decides_alone_where_money_did(model: LoadedModel) -> None:
    policy = replace(model.scorer.bundle.contents.policy, rule="money")
    assert changed(policy, Variant(threshold=0.2), World()).rule == "threshold"
    assert changed(policy, Variant(), World()) == policy


def test_the_same_seed_gives_the_same_intervals(model: LoadedModel, data: Path) -> None:
    first, second = (only(simulate_folder(model, data, [Variant(threshold=0.5)])) for _ in range(2))
    assert first == second
