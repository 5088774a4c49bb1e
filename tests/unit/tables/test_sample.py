from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scorewright.domain.progress import Step
from scorewright.errors import OutputError, SettingsError
from scorewright.tables.sample import SampleConfig, SampleSummary, write_sample
from scorewright.tables.sample.chunks import draw_chunk

OFFICIAL_APPLICATIONS = 307_511 + 48_744
OFFICIAL_ROWS = {
    "bureau": 1_716_428,
    "bureau_balance": 27_299_925,
    "previous_application": 1_670_214,
    "POS_CASH_balance": 10_001_358,
    "installments_payments": 13_605_401,
    "credit_card_balance": 3_840_312,
}
HISTORIES = tuple(OFFICIAL_ROWS)
TABLES = ("application_train", "application_test", *HISTORIES)


@cache
def population(chunks: int = 6) -> dict[str, pl.DataFrame]:
    """All tables of some thousand labelled applications, kept in memory and shared by the tests that only look."""
    config = SampleConfig(applications=chunks * 2048)
    drawn = [draw_chunk(config, "train", chunk) for chunk in range(chunks)]
    return {name: pl.concat([tables[name] for tables in drawn]) for name in drawn[0]}


def table(name: str) -> pl.DataFrame:
    return population()["application_train" if name == "application" else name]


def read(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / f"{name}.parquet")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_sample(SampleConfig(applications=900), tmp_path_factory.mktemp("sample") / "small")


def test_a_sample_has_all_tables_with_the_sizes_it_says(small: SampleSummary) -> None:
    assert {path.name for path in small.folder.iterdir()} == {f"{name}.parquet" for name in TABLES}
    assert {name: read(small.folder, name).height for name in TABLES} == dict(small.rows)
    assert small.rows["application_train"] == 900
    assert small.rows["application_test"] == round(900 * 48_744 / 307_511)
    assert small.default_rate == read(small.folder, "application_train")["TARGET"].mean()


def test_the_unlabelled_part_has_no_target_and_histories_of_its_own(small: SampleSummary) -> None:
    train, test = read(small.folder, "application_train"), read(small.folder, "application_test")
    assert [*train.columns[:1], *train.columns[2:]] == test.columns
    assert train.columns[1] == "TARGET"
    for name in ("bureau", "previous_application", "POS_CASH_balance", "installments_payments"):
        assert read(small.folder, name).join(test, on="SK_ID_CURR", how="semi").height > 0


def test_every_row_has_its_parents(small: SampleSummary) -> None:
    applications = pl.concat(
        [read(small.folder, f"application_{part}").select("SK_ID_CURR") for part in ("train", "test")]
    )
    assert applications["SK_ID_CURR"].is_unique().all()
    for name in HISTORIES:
        rows = read(small.folder, name)
        if name == "bureau_balance":
            assert rows.join(read(small.folder, "bureau"), on="SK_ID_BUREAU", how="anti").is_empty()
        else:
            assert rows.join(applications, on="SK_ID_CURR", how="anti").is_empty()


def test_rows_of_earlier_loans_belong_to_the_right_loan_of_the_right_applicant(small: SampleSummary) -> None:
    previous = read(small.folder, "previous_application")
    assert previous["SK_ID_PREV"].is_unique().all()
    kinds = {
        "POS_CASH_balance": ["Cash loans", "Consumer loans"],
        "credit_card_balance": ["Revolving loans"],
        "installments_payments": ["Cash loans", "Consumer loans", "Revolving loans"],
    }
    for name, contracts in kinds.items():
        loans = previous.filter(pl.col("NAME_CONTRACT_TYPE").is_in(contracts), NAME_CONTRACT_STATUS="Approved")
        assert read(small.folder, name).join(loans, on=["SK_ID_PREV", "SK_ID_CURR"], how="anti").is_empty()


def test_some_applicants_have_no_rows_in_a_history() -> None:
    everyone = table("application")["SK_ID_CURR"]
    shares = {
        name: table(name)["SK_ID_CURR"].n_unique() / everyone.len() for name in HISTORIES if name != "bureau_balance"
    }
    assert 0.8 < shares["bureau"] < 0.9
    assert 0.9 < shares["previous_application"] < 0.99
    assert 0.15 < shares["credit_card_balance"] < 0.4


def test_histories_are_as_long_as_the_published_ones() -> None:
    applications = table("application").height
    for name, official in OFFICIAL_ROWS.items():
        assert table(name).height / applications == pytest.approx(official / OFFICIAL_APPLICATIONS, rel=0.1), name


def test_one_in_twelve_defaults() -> None:
    assert table("application")["TARGET"].mean() == pytest.approx(0.08, abs=0.01)


@pytest.mark.parametrize(
    ("column", "share"), [("EXT_SOURCE_1", 0.56), ("EXT_SOURCE_2", 0.002), ("EXT_SOURCE_3", 0.2), ("OWN_CAR_AGE", 0.66)]
)
def test_columns_are_blank_as_often_as_published(column: str, share: float) -> None:
    assert table("application")[column].is_null().mean() == pytest.approx(share, abs=0.02)


def test_the_columns_of_a_building_are_blank_together() -> None:
    building = table("application").select(
        pl.col("^.*_(AVG|MODE|MEDI)$").exclude("FONDKAPREMONT_MODE", "HOUSETYPE_MODE", "WALLSMATERIAL_MODE")
    )
    blanks = building.select(pl.all().is_null())
    assert 0.45 < min(blanks.mean().row(0)) < max(blanks.mean().row(0)) < 0.72
    assert blanks.select(pl.all_horizontal(pl.all())).to_series().mean() > 0.45


def test_the_known_traps_are_there() -> None:
    people = table("application")
    idle = people.filter(pl.col("DAYS_EMPLOYED") == 365_243)
    assert set(idle["NAME_INCOME_TYPE"]) <= {"Pensioner", "Unemployed"}
    assert set(idle["ORGANIZATION_TYPE"]) == {"XNA"}
    assert people.filter(pl.col("DAYS_EMPLOYED") != 365_243)["DAYS_EMPLOYED"].max() < 0
    assert people["DAYS_BIRTH"].max() < -18 * 365
    assert (people["CODE_GENDER"] == "XNA").sum() < 5
    assert table("bureau")["DAYS_CREDIT_ENDDATE"].max() > 30_000
    unpaid = table("installments_payments").filter(pl.col("DAYS_ENTRY_PAYMENT").is_null())
    assert unpaid.height > 0
    assert unpaid["AMT_PAYMENT"].is_null().all()


def test_the_unlabelled_part_is_nearly_all_cash_loans() -> None:
    test = draw_chunk(SampleConfig(applications=2048 * 7), "test", 0)["application_test"]
    cash = [frame["NAME_CONTRACT_TYPE"].eq("Cash loans").mean() for frame in (table("application"), test)]
    assert cash == pytest.approx([0.905, 0.99], abs=0.02)


def test_closed_bureau_loans_have_ended_and_active_ones_have_not() -> None:
    loans = table("bureau")
    active = loans.filter(CREDIT_ACTIVE="Active")
    closed = loans.filter(CREDIT_ACTIVE="Closed")
    assert active["DAYS_ENDDATE_FACT"].is_null().all()
    assert (closed["DAYS_ENDDATE_FACT"] < 0).all()
    assert (closed["DAYS_ENDDATE_FACT"] >= closed["DAYS_CREDIT"]).all()
    assert (closed["AMT_CREDIT_SUM_DEBT"].drop_nulls() == 0).all()
    assert (loans.filter(pl.col("CREDIT_DAY_OVERDUE") > 0)["AMT_CREDIT_SUM_OVERDUE"] > 0).all()


def test_the_latest_month_of_a_bureau_loan_is_late_only_when_the_loan_is() -> None:
    latest = table("bureau_balance").filter(MONTHS_BALANCE=0).join(table("bureau"), on="SK_ID_BUREAU")
    late = latest["STATUS"].is_in(["1", "2", "3", "4", "5"])
    assert late.any()
    assert (late == (latest["CREDIT_DAY_OVERDUE"] > 0)).all()
    gone = table("bureau_balance").filter(STATUS="C").join(table("bureau"), on="SK_ID_BUREAU")
    assert "Active" not in set(gone["CREDIT_ACTIVE"])


def test_instalments_come_every_month_with_one_amount_until_the_loan_is_settled() -> None:
    rows = table("installments_payments").filter(NUM_INSTALMENT_VERSION=1)
    due = rows.unique(["SK_ID_PREV", "NUM_INSTALMENT_NUMBER"]).sort("SK_ID_PREV", "NUM_INSTALMENT_NUMBER")
    gaps = due.select(pl.col("DAYS_INSTALMENT", "NUM_INSTALMENT_NUMBER").diff().over("SK_ID_PREV")).drop_nulls()
    assert (gaps["DAYS_INSTALMENT"] == 30 * gaps["NUM_INSTALMENT_NUMBER"]).all()
    assert due.group_by("SK_ID_PREV").agg(pl.col("AMT_INSTALMENT").n_unique())["AMT_INSTALMENT"].max() == 1
    assert (rows["DAYS_ENTRY_PAYMENT"].drop_nulls() < 0).all()


def test_the_parts_of_a_payment_add_up_to_the_instalment() -> None:
    rows = table("installments_payments").filter(pl.col("NUM_INSTALMENT_VERSION") > 0).drop_nulls()
    paid = rows.group_by("SK_ID_PREV", "NUM_INSTALMENT_NUMBER").agg(
        pl.col("AMT_PAYMENT").sum(), pl.col("AMT_INSTALMENT").first()
    )
    assert paid["AMT_PAYMENT"].to_numpy() == pytest.approx(paid["AMT_INSTALMENT"].to_numpy(), abs=0.02)


def test_month_ends_are_past_due_only_when_a_payment_came_late() -> None:
    worst = table("POS_CASH_balance").group_by("SK_ID_PREV").agg(pl.col("SK_DPD").max())
    days = (pl.col("DAYS_ENTRY_PAYMENT").fill_null(0) - pl.col("DAYS_INSTALMENT")).max().alias("days")
    delays = table("installments_payments").group_by("SK_ID_PREV").agg(days)
    joined = worst.join(delays, on="SK_ID_PREV").filter(pl.col("SK_DPD") > 0)
    assert joined.height > 0
    assert (joined["SK_DPD"] <= joined["days"]).all()


def test_a_month_end_counts_down_the_instalments() -> None:
    rows = table("POS_CASH_balance").drop_nulls().sort("SK_ID_PREV", "MONTHS_BALANCE")
    assert (rows["CNT_INSTALMENT_FUTURE"] >= 0).all()
    assert (rows["CNT_INSTALMENT_FUTURE"] <= rows["CNT_INSTALMENT"]).all()
    assert (rows.filter(NAME_CONTRACT_STATUS="Completed")["CNT_INSTALMENT_FUTURE"] == 0).all()
    steps = rows.select(pl.col("CNT_INSTALMENT_FUTURE").diff().over("SK_ID_PREV")).to_series().drop_nulls()
    assert (steps < 0).mean() > 0.95


def test_a_card_balance_moves_by_what_is_drawn_and_paid() -> None:
    rows = table("credit_card_balance").sort("SK_ID_PREV", "MONTHS_BALANCE")
    before = pl.col("AMT_BALANCE").shift(1).over("SK_ID_PREV")
    interest = pl.col("AMT_BALANCE") - before - pl.col("AMT_DRAWINGS_CURRENT") + pl.col("AMT_PAYMENT_TOTAL_CURRENT")
    moves = rows.select(interest=interest, before=before).drop_nulls()
    assert moves["interest"].to_numpy() == pytest.approx(0.03 * moves["before"].to_numpy(), abs=0.01)
    drawn = pl.sum_horizontal(f"AMT_DRAWINGS_{place}_CURRENT" for place in ("ATM", "POS", "OTHER"))
    used = rows.filter(pl.col("AMT_DRAWINGS_ATM_CURRENT").is_not_null())
    assert (used.select(drawn).to_series() - used["AMT_DRAWINGS_CURRENT"]).abs().max() < 0.01


def test_same_seed_same_values_another_seed_others() -> None:
    first, again, other = (draw_chunk(SampleConfig(seed=seed), "train", 3) for seed in (11, 11, 12))
    for name, rows in first.items():
        assert_frame_equal(rows, again[name])
    assert not first["application_train"]["AMT_CREDIT"].equals(other["application_train"]["AMT_CREDIT"])


def test_a_larger_sample_begins_with_the_smaller_one(small: SampleSummary, tmp_path: Path) -> None:
    larger = write_sample(SampleConfig(applications=2_500), tmp_path / "larger").folder
    for name in TABLES:
        key = "SK_ID_BUREAU" if name == "bureau_balance" else "SK_ID_CURR"
        rows = read(small.folder, name)
        same = read(larger, name).join(rows.select(key).unique(), on=key, how="semi", maintain_order="left")
        assert_frame_equal(rows, same)


def test_csv_and_parquet_hold_the_same_values(small: SampleSummary, tmp_path: Path) -> None:
    folder = write_sample(SampleConfig(applications=900, file_format="csv"), tmp_path / "csv").folder
    for name in TABLES:
        rows = read(small.folder, name)
        assert_frame_equal(pl.read_csv(folder / f"{name}.csv", schema=rows.schema), rows)


@pytest.mark.real
def test_columns_and_types_are_those_of_the_real_tables(small: SampleSummary, real_data: Path) -> None:
    for name in TABLES:
        real = pl.read_parquet_schema(real_data / "home_credit" / "clients_100" / f"{name}.parquet")
        assert pl.read_parquet_schema(small.folder / f"{name}.parquet") == real, name


@pytest.mark.real
def test_categories_are_those_of_the_real_tables(real_data: Path) -> None:
    folder = real_data / "home_credit" / "applications"
    real = pl.concat(
        [pl.read_parquet(folder / f"application_{part}.parquet") for part in ("train", "test")], how="diagonal"
    )
    made = table("application")
    for name in [name for name, kind in made.schema.items() if kind == pl.String]:
        assert set(made[name].drop_nulls()) <= set(real[name].drop_nulls()), name


def test_months_give_each_application_its_day_in_order(tmp_path: Path) -> None:
    folder = write_sample(SampleConfig(applications=600, months=14), tmp_path / "months").folder
    train, test = read(folder, "application_train"), read(folder, "application_test")
    days = train["DATE_APPLICATION"]
    assert days.dtype == pl.Date
    assert days.is_sorted()
    assert days.dt.truncate("1mo").n_unique() == 14
    assert test["DATE_APPLICATION"].min() > days.max()
    assert test["DATE_APPLICATION"].dt.truncate("1mo").unique().to_list() == [date(2024, 3, 1)]
    assert days.dt.strftime("%A").str.to_uppercase().equals(train["WEEKDAY_APPR_PROCESS_START"])


def test_the_population_drifts_from_the_stated_month() -> None:
    config = SampleConfig(applications=6 * 2048, months=6, drift_from=4)
    people = pl.concat([draw_chunk(config, "train", chunk)["application_train"] for chunk in range(6)])
    before, after = people.head(3 * 2048), people.tail(2048)
    assert before["TARGET"].mean() == pytest.approx(0.08, abs=0.01)
    assert after["TARGET"].mean() > before["TARGET"].mean() + 0.02
    assert after["EXT_SOURCE_2"].mean() < before["EXT_SOURCE_2"].mean() - 0.02
    assert after["AMT_INCOME_TOTAL"].mean() < 0.95 * before["AMT_INCOME_TOTAL"].mean()
    assert (after["NAME_CONTRACT_TYPE"] == "Revolving loans").mean() < 0.05


def test_a_drift_after_the_last_month_is_no_drift() -> None:
    still = SampleConfig(applications=2048, months=6, drift_from=7)
    dated = draw_chunk(still, "train", 0)["application_train"].drop("DATE_APPLICATION", "WEEKDAY_APPR_PROCESS_START")
    assert_frame_equal(dated, draw_chunk(SampleConfig(2048), "train", 0)["application_train"].select(dated.columns))


@pytest.mark.parametrize(
    "settings",
    [
        {"applications": 99},
        {"applications": 10_000_001},
        {"applications": 1e4},
        {"seed": -1},
        {"months": -1},
        {"months": True},
        {"months": 121},
        {"drift_from": 3},
        {"months": 6, "drift_from": 8},
        {"file_format": "xlsx"},
    ],
)
def test_settings_that_make_no_sample_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        SampleConfig(**settings)  # type: ignore[arg-type]


def test_drift_starts_two_thirds_of_the_way_unless_said() -> None:
    assert [SampleConfig(months=months).first_drifting_month for months in (1, 3, 12, 24)] == [2, 3, 9, 17]


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(OutputError, match="new or empty folder"):
        write_sample(SampleConfig(applications=100), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="must be writable"):
        write_sample(SampleConfig(applications=100), tmp_path / "file" / "sample")


def test_progress_is_told_and_an_empty_folder_is_used(tmp_path: Path) -> None:
    steps: list[Step] = []
    write_sample(SampleConfig(applications=100), tmp_path, steps.append)
    assert [(step.task, step.done, step.total) for step in steps] == [("sample", 1, 2), ("sample", 2, 2)]
    assert len(list(tmp_path.iterdir())) == len(TABLES)


def test_a_sample_cut_short_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(_step: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sample(SampleConfig(applications=100), tmp_path / "sample", interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_histories_tell_more_than_the_application_alone() -> None:
    application = population(9)["application_train"]
    alone = out_of_fold_auc(application)
    assert 0.71 < alone < 0.77
    assert out_of_fold_auc(application.join(aggregates(population(9)), on="SK_ID_CURR", how="left")) > alone + 0.02


def aggregates(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    late = pl.col("DAYS_ENTRY_PAYMENT") - pl.col("DAYS_INSTALMENT")
    parts = {
        "bureau": [(pl.col("CREDIT_ACTIVE") == "Active").mean().alias("active"), pl.col("DAYS_CREDIT").mean()],
        "previous_application": [(pl.col("NAME_CONTRACT_STATUS") == "Refused").mean().alias("refused")],
        "installments_payments": [late.mean().alias("delay"), (late > 0).mean().alias("late")],
        "POS_CASH_balance": [pl.col("SK_DPD").max()],
        "credit_card_balance": [(pl.col("AMT_BALANCE") / pl.col("AMT_CREDIT_LIMIT_ACTUAL")).mean().alias("used")],
    }
    frame = tables["application_train"].select("SK_ID_CURR")
    for name, expressions in parts.items():
        frame = frame.join(tables[name].group_by("SK_ID_CURR").agg(expressions), on="SK_ID_CURR", how="left")
    return frame


def out_of_fold_auc(rows: pl.DataFrame, folds: int = 3) -> float:
    import lightgbm as lgb

    target = rows["TARGET"].to_numpy()
    text = [name for name, kind in rows.schema.items() if kind == pl.String]
    coded = rows.drop("SK_ID_CURR", "TARGET").with_columns(pl.col(text).rank("dense"))
    matrix = coded.cast(pl.Float64).to_numpy()
    parameters = {"objective": "binary", "learning_rate": 0.07, "num_leaves": 16, "min_data_in_leaf": 60, "max_bin": 63}
    parameters |= {"feature_fraction": 0.5, "lambda_l2": 5.0, "num_threads": 1, "seed": 1, "verbose": -1}
    fold = np.arange(target.size) % folds
    scores = np.empty(target.size)
    for number in range(folds):
        trees = lgb.train(parameters, lgb.Dataset(matrix[fold != number], target[fold != number]), 100)
        scores[fold == number] = trees.predict(matrix[fold == number])
    return auc(scores, target)


def auc(scores: np.ndarray, target: np.ndarray) -> float:
    """Share of pairs of a default and a repayment that the scores put in order (Mann and Whitney 1947)."""
    ranks = pl.Series(scores).rank().to_numpy()
    bad = target == 1
    return float((ranks[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / (bad.sum() * (~bad).sum()))
