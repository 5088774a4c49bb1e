"""The way of a lender: from tables to decisions, through the verbs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scorewright.flows.dataset import read_labelled, split
from scorewright.flows.plan import EVERY_CANDIDATE
from scorewright.registry.folder_registry import FolderRegistry
from scorewright.tables.portfolio import load_portfolio

Verb = Callable[..., Any]
_SCORED = ["SK_ID_CURR", "pd", "decision", "rules"]
CANDIDATES = set(EVERY_CANDIDATE)


def test_compare_shows_every_candidate_again(home: Path, verb: Verb) -> None:
    ran = verb(home, "compare")
    assert ran.code == 0
    assert all(name in ran.out for name in CANDIDATES)
    assert "approve all" in ran.out
    assert "refuse all" in ran.out


def test_the_first_version_is_champion_and_its_bundle_is_sealed(home: Path, verb: Verb) -> None:
    ran = verb(home, "models")
    assert "champion" in ran.out
    assert len([path for path in (home / "bundles").iterdir() if path.is_dir()]) == len(CANDIDATES)


def test_scores_have_the_key_the_pd_and_the_decision(home: Path, sample: Path, verb: Verb, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    ran = verb(home, "score", "--data", sample, "--out", out)
    assert ran.code == 0, ran.err
    scores = pl.read_parquet(out)
    assert [name for name in scores.columns if name not in {"pd_low", "pd_high"}] == _SCORED
    assert scores.height == pl.read_parquet(sample / "application_test.parquet").height
    assert scores["pd"].is_between(0, 1).all()
    assert set(scores["decision"]) <= {"approve", "refer", "refuse"}


def test_scores_are_written_as_csv_too(home: Path, sample: Path, verb: Verb, tmp_path: Path) -> None:
    verb(home, "score", "--data", sample, "--out", tmp_path / "scores.csv")
    verb(home, "score", "--data", sample, "--out", tmp_path / "scores.parquet")
    assert pl.read_csv(tmp_path / "scores.csv").equals(pl.read_parquet(tmp_path / "scores.parquet"))


def test_a_history_that_a_model_learnt_from_is_missed_aloud(
    home: Path, sample: Path, verb: Verb, tmp_path: Path
) -> None:
    (tmp_path / "application_test.parquet").symlink_to(sample / "application_test.parquet")
    ran = verb(home, "score", "--data", tmp_path, "--out", tmp_path / "scores.csv")
    assert ran.code == 0, ran.err
    assert "bureau: no file, so its features are empty; the model learnt from it" in ran.err


def test_a_history_that_a_model_never_saw_is_not_used_aloud(sample: Path, verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("application_train", "application_test"):
        (tmp_path / "data" / f"{name}.parquet").symlink_to(sample / f"{name}.parquet")
    trained = verb(tmp_path, "train", "home_credit", "--data", tmp_path / "data", "--candidate", "dummy")
    assert "bureau: no file, so its features are empty" in trained.err
    ran = verb(tmp_path, "score", "--data", sample, "--out", tmp_path / "scores.csv")
    assert "bureau: not used, because the model was trained without it" in ran.err


def test_an_application_is_explained_in_both_languages(home: Path, sample: Path, verb: Verb) -> None:
    key = pl.read_parquet(sample / "application_test.parquet")["SK_ID_CURR"][0]
    english = verb(home, "explain", "--id", key, "--data", sample)
    french = verb(home, "explain", "--id", key, "--data", sample, "--lang", "fr")
    assert english.code == french.code == 0, english.err + french.err
    assert str(key) in english.out
    assert english.out != french.out


def test_a_training_application_can_be_explained_as_well(home: Path, sample: Path, verb: Verb) -> None:
    key = pl.read_parquet(sample / "application_train.parquet")["SK_ID_CURR"][0]
    assert verb(home, "explain", "--id", key, "--data", sample).code == 0


@pytest.fixture(scope="module")
def refused(home: Path, sample: Path, verb: Verb, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Key of the refused application with the lowest PD: little is missing for an approval."""
    out = tmp_path_factory.mktemp("scored") / "scores.parquet"
    verb(home, "score", "--data", sample, "--out", out)
    return int(pl.read_parquet(out).filter(pl.col("decision") == "refuse").sort("pd")["SK_ID_CURR"][0])


@pytest.mark.parametrize(
    ("language", "against", "ways"),
    [
        ("en", "What weighed against it:", ("To be approved (PD ", "would lead to approval.")),
        ("fr", "Ce qui a pesé contre la demande :", ("Pour obtenir un accord (PD ", "mènerait à une acceptation.")),
    ],
)
def test_a_refusal_is_explained_with_reasons_and_ways_out(
    home: Path, sample: Path, verb: Verb, refused: int, language: str, against: str, ways: tuple[str, ...]
) -> None:
    ran = verb(home, "explain", "--id", refused, "--data", sample, "--lang", language, "--recourse")
    assert ran.code == 0, ran.err
    assert against in ran.out
    assert any(way in ran.out for way in ways)
    assert re.search(r"[{}]|\b(?:nan|None)\b", ran.out) is None
    bars = [line for line in ran.out.splitlines() if "█" in line]
    assert bars
    assert len({line.rindex("│") for line in bars}) == 1


@pytest.mark.parametrize(("ending", "begins", "scale"), [(".svg", b"<svg", "points"), (".png", b"\x89PNG", "pd")])
def test_the_waterfall_is_drawn(
    home: Path, sample: Path, verb: Verb, refused: int, tmp_path: Path, ending: str, begins: bytes, scale: str
) -> None:
    picture = tmp_path / f"why{ending}"
    ran = verb(home, "explain", "--id", refused, "--data", sample, "--picture", picture, "--scale", scale)
    assert ran.code == 0, ran.err
    assert picture.read_bytes().startswith(begins)
    assert f"Picture in {picture}." in ran.out


@pytest.mark.parametrize("name", ["why.jpg", "none/why.svg"])
def test_a_picture_that_cannot_be_drawn_is_refused_first(verb: Verb, tmp_path: Path, name: str) -> None:
    ran = verb(tmp_path, "explain", "--id", 1, "--data", tmp_path, "--picture", tmp_path / name)
    assert ran.code == 9
    assert "output-unwritable" in ran.err


def test_the_report_is_one_file(home: Path, verb: Verb, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    ran = verb(home, "report", "--out", out)
    assert ran.code == 0, ran.err
    assert "Report on home_credit version 1" in ran.out
    page = out.read_bytes()
    assert page.startswith(b"<!doctype html>")
    assert len(page) < 3_000_000
    assert verb(home, "report", "--out", tmp_path / "report.pdf").code == 9


def test_leaks_are_looked_for_without_training(sample: Path, verb: Verb, tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = verb(home, "leaks", "home_credit", "--data", sample, "--json")
    assert ran.code == 0, ran.err
    assert {finding["severity"] for finding in json.loads(ran.out)} <= {"note", "warn"}
    assert not home.exists()


def test_drift_tells_by_table_json_and_exit_code(home: Path, sample: Path, verb: Verb) -> None:
    table, told = verb(home, "drift", "--data", sample), verb(home, "drift", "--data", sample, "--json")
    report = json.loads(told.out)
    assert table.code == told.code == (20 if report["drifted"] else 0)
    assert "PSI" in table.out
    assert {"feature", "psi", "p_adjusted", "verdict"} <= set(report["features"][0])


def test_a_shifted_population_has_drifted(home: Path, sample: Path, verb: Verb, tmp_path: Path) -> None:
    shifted = tmp_path / "shifted"
    shifted.mkdir()
    for path in sample.iterdir():
        (shifted / path.name).symlink_to(path)
    target = shifted / "application_test.parquet"
    frame = pl.read_parquet(target)
    target.unlink()
    frame.with_columns(pl.col("EXT_SOURCE_2") * 0.3, pl.col("AMT_CREDIT") * 4).write_parquet(target)
    ran = verb(home, "drift", "--data", shifted, "--json")
    drifted = {row["feature"] for row in json.loads(ran.out)["features"] if row["verdict"] == "drifted"}
    assert ran.code == 20
    assert {"EXT_SOURCE_2", "AMT_CREDIT"} <= drifted


def test_another_policy_is_tried_on_the_locked_test_set(home: Path, sample: Path, verb: Verb, tmp_path: Path) -> None:
    out = tmp_path / "changes.csv"
    cuts = ("--threshold", "0.02", "--threshold", "0.9")
    ran = verb(home, "simulate", "--data", sample, *cuts, "--out", out)
    assert ran.code == 0, ran.err
    assert "200 test applications that the training locked away" in ran.out
    assert "Cost per application at 10:1" in ran.out
    assert "threshold 0.02: who changes sides" in ran.out
    changes = pl.read_csv(out)
    assert changes.columns == ["SK_ID_CURR", "variant", "now", "then"]
    assert set(changes.filter(pl.col("variant") == "threshold 0.9")["then"]) <= {"approve", "refer"}


def test_a_simulation_that_changes_nothing_or_cannot_be_is_refused(home: Path, sample: Path, verb: Verb) -> None:
    wrong = [(), ("--costs", "ten"), ("--threshold", "2"), ("--without-rule", "no_such_rule"), ("--refer", "1")]
    for options in wrong:
        ran = verb(home, "simulate", "--data", sample, *options)
        assert ran.code == 3, options
        assert "settings-invalid" in ran.err


def test_applications_without_an_outcome_show_who_changes_sides(
    home: Path, sample: Path, verb: Verb, tmp_path: Path
) -> None:
    (tmp_path / "application_test.parquet").symlink_to(sample / "application_test.parquet")
    ran = verb(home, "simulate", "--data", tmp_path, "--threshold", "0.02")
    assert ran.code == 0, ran.err
    assert "applications whose outcome is not known" in ran.out
    assert "Cost per application" not in ran.out


def test_check_describes_the_contract_and_writes_nothing(sample: Path, verb: Verb, tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = verb(home, "check", "home_credit", "--data", sample)
    assert ran.code == 0, ran.err
    assert "AMT_CREDIT" in ran.out
    assert not home.exists()


def test_training_again_gives_the_same_bundle_and_a_challenger(
    home: Path, sample: Path, verb: Verb, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    for expected in ("as champion", "as challenger"):
        ran = verb(again, "train", "home_credit", "--data", sample, "--trials", "0", "--candidate", "lightgbm")
        assert ran.code == 0, ran.err
        assert expected in ran.out
    ours = {path.name for path in (again / "bundles").iterdir()}
    assert len(ours) == 1
    assert ours <= {path.name for path in (home / "bundles").iterdir()}


def test_promotion_needs_a_challenger_that_costs_no_more(sample: Path, verb: Verb, tmp_path: Path) -> None:
    def train(candidate: str) -> None:
        ran = verb(tmp_path, "train", "home_credit", "--data", sample, "--trials", "0", "--candidate", candidate)
        assert ran.code == 0, ran.err

    train("dummy")
    train("logistic_regression")
    promoted = verb(tmp_path, "promote", "--data", sample)
    assert promoted.code == 0, promoted.err
    assert "version 2 (logistic_regression) is champion" in promoted.out
    train("dummy")
    refused = verb(tmp_path, "promote", "--data", sample)
    assert refused.code == 8
    assert "registry-promotion-refused" in refused.err
    back = verb(tmp_path, "rollback")
    assert "version 1 (dummy) is champion again" in back.out


def test_an_outsiders_table_is_drafted_trained_and_scored_without_editing(
    verb: Verb, lending_book: Callable[..., Path], tmp_path: Path
) -> None:
    data, book, home = lending_book(), tmp_path / "book", tmp_path / "home"
    drafted = verb(home, "init", book, "--data", data, "--target", "status")
    assert drafted.code == 0, drafted.err
    assert "loan id" in drafted.out
    trained = verb(home, "train", book, "--data", data, "--trials", "0")
    assert trained.code == 0, trained.err
    scored = verb(home, "score", "--data", data, "--out", tmp_path / "scores.csv")
    assert scored.code == 0, scored.err
    scores = pl.read_csv(tmp_path / "scores.csv")
    assert [name for name in scores.columns if name not in {"pd_low", "pd_high"}] == ["loan id", *_SCORED[1:]]
    assert scores.height == pl.read_csv(data).height


def test_tuning_keeps_to_its_trials(verb: Verb, lending_book: Callable[..., Path], tmp_path: Path) -> None:
    data, book = lending_book(), tmp_path / "book"
    verb(tmp_path / "home", "init", book, "--data", data, "--target", "status")
    ran = verb(tmp_path / "home", "train", book, "--data", data, "--trials", "3", "--candidate", "logistic_regression")
    assert ran.code == 0, ran.err
    record = FolderRegistry(tmp_path / "home" / "registry").latest().candidate("logistic_regression")
    assert 1 <= len(record.trials) <= 3
    assert record.parameters["C"] == min(record.trials, key=lambda trial: trial.objective).parameters["C"]


def test_an_unknown_candidate_is_refused_before_anything_is_written(sample: Path, verb: Verb, tmp_path: Path) -> None:
    names = ("--candidate", "dummy", "--candidate", "oracle")
    ran = verb(tmp_path, "train", "home_credit", "--data", sample, *names)
    assert ran.code == 3
    assert "oracle" in ran.err
    assert not (tmp_path / "bundles").exists()


def test_a_portfolio_that_names_a_date_is_tested_on_its_latest_months(
    verb: Verb, lending_book: Callable[..., Path], tmp_path: Path
) -> None:
    data, book = lending_book(), tmp_path / "book"
    verb(tmp_path, "init", book, "--data", data, "--target", "status")
    toml = book / "portfolio.toml"
    toml.write_text(re.sub(r'^# date = ("opened")', r"date = \1", toml.read_text(), flags=re.MULTILINE))
    assert verb(tmp_path, "train", book, "--data", data, "--trials", "0", "--candidate", "dummy").code == 0
    bundle = next(path for path in (tmp_path / "bundles").iterdir())
    labelled = read_labelled(load_portfolio(book), data)
    train, test = split(labelled, 0.2)
    opened = labelled.tables["application"]["opened"]
    assert opened[train].max() < opened[test].min()
    assert f"measured once on {len(test):,}" in (bundle / "card.md").read_text()
