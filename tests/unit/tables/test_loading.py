from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from scorewright.domain.progress import Step
from scorewright.errors import (
    ColumnsError,
    DuplicateKeysError,
    EmptyTableError,
    OrphanRowsError,
    TableMissingError,
    UnknownApplicationError,
    UnreadableFileError,
)
from scorewright.tables.contract import infer_contract
from scorewright.tables.loading import (
    DataFolder,
    Sealed,
    fingerprint,
    hold,
    load_tables,
    open_data,
    require_application,
    restrict,
)
from tests.oracles.book import LOAN, TOML, frames, portfolio

BOOK = portfolio(TOML.replace('key = "ID"\nid', 'key = "ID"\ntrain = "app_train"\nscore = "app_score"\nid'), loan=LOAN)
KEYLESS = portfolio(TOML.split("[tables.loan]")[0].replace('key = "ID"', ""))


def write(folder: Path, suffix: str = ".csv", **more: pl.DataFrame) -> DataFolder:
    """Train on applications 10 and 20, score 30; the histories hold all three."""
    tables = frames()
    parts = {"app_train": tables["application"][:2], "app_score": tables["application"][2:].drop("BAD")}
    for name, frame in ({"loan": tables["loan"], "month": tables["month"]} | parts | more).items():
        (frame.write_csv if suffix == ".csv" else frame.write_parquet)(folder / f"{name}{suffix}")
    return open_data(BOOK, folder)


def sealed(data: DataFolder, **used: frozenset[str]) -> Sealed:
    return Sealed(infer_contract(data.portfolio, load_tables(data, "train").tables), used)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_training_tables_come_out_checked(suffix: str, tmp_path: Path) -> None:
    loaded = load_tables(write(tmp_path, suffix), "train")
    tables = frames()
    assert loaded.notices == ()
    assert loaded.tables["application"].equals(tables["application"][:2])
    assert loaded.tables["loan"].equals(tables["loan"])
    assert loaded.tables["month"].equals(tables["month"])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_scoring_tables_are_held_to_the_contract(suffix: str, tmp_path: Path) -> None:
    data = write(tmp_path, suffix)
    loaded = load_tables(data, "score", sealed(data))
    assert loaded.tables["application"].equals(frames()["application"][2:].drop("BAD"))


def test_score_falls_back_to_the_training_file_and_to_the_name_of_the_table(tmp_path: Path) -> None:
    data = write(tmp_path)
    (tmp_path / "app_score.csv").unlink()
    assert load_tables(data, "score").tables["application"].height == 2
    (tmp_path / "app_train.csv").rename(tmp_path / "application.csv")
    assert load_tables(data, "train").tables["application"].height == 2


def test_a_folder_with_nothing_but_applications_to_score(tmp_path: Path) -> None:
    data = write(tmp_path)
    contract = sealed(data)
    (tmp_path / "app_train.csv").unlink()
    for name in ("loan", "month"):
        frame = frames()[name].clear()
        frame.write_csv(tmp_path / f"{name}.csv")
    loaded = load_tables(data, "score", contract)
    assert {name: frame.height for name, frame in loaded.tables.items()} == {"application": 1, "loan": 0, "month": 0}
    assert loaded.tables["loan"].schema == frames()["loan"].schema


def test_histories_of_the_other_file_are_no_orphans(tmp_path: Path) -> None:
    stray = frames()["loan"].with_columns(pl.Series("ID", [20, 10, 30, 30]))
    assert load_tables(write(tmp_path, loan=stray), "train").notices == ()
    lost = stray.with_columns(pl.Series("ID", [20, 10, 99, None]))
    with pytest.raises(OrphanRowsError, match="2 rows belong to none"):
        load_tables(write(tmp_path, loan=lost), "train")


def test_orphans_may_be_dropped_with_a_notice(tmp_path: Path) -> None:
    write(tmp_path, loan=frames()["loan"].with_columns(ID=pl.lit(99)))
    lenient = portfolio(
        TOML.replace('key = "ID"', 'key = "ID"\ntrain = "app_train"').replace(
            'key = "LOAN"', 'key = "LOAN"\norphans = "drop"'
        )
    )
    assert load_tables(open_data(lenient, tmp_path), "train").notices == (
        "loan: 4 rows belong to no application and were left out",
    )


def test_absent_tables(tmp_path: Path) -> None:
    data = write(tmp_path)
    contract = sealed(data)
    (tmp_path / "loan.csv").unlink()
    assert set(load_tables(data, "train").tables) == {"application", "month"}
    assert set(load_tables(data, "score", contract).tables) == {"application", "month"}
    (tmp_path / "app_train.csv").unlink()
    with pytest.raises(TableMissingError, match=r"none of app_train\.parquet, app_train\.csv"):
        load_tables(data, "train")


def test_a_table_training_never_saw_is_left_alone(tmp_path: Path) -> None:
    data = write(tmp_path)
    (tmp_path / "month.csv").unlink()
    contract = sealed(data)
    frames()["month"].write_csv(tmp_path / "month.csv")
    assert "month" not in load_tables(data, "score", contract).tables


def test_one_file_is_the_root(tmp_path: Path) -> None:
    write(tmp_path)
    data = open_data(BOOK, tmp_path / "app_train.csv")
    assert set(load_tables(data, "train").tables) == {"application"}
    strict = portfolio(TOML.replace('key = "LOAN"\noptional = true', 'key = "LOAN"'))
    with pytest.raises(TableMissingError, match="'loan' is required"):
        load_tables(open_data(strict, tmp_path / "app_train.csv"), "train")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="it does not exist"):
        open_data(BOOK, tmp_path / "none")


def test_rules_of_keys_and_rows(tmp_path: Path) -> None:
    root = frames()["application"]
    with pytest.raises(DuplicateKeysError):
        load_tables(write(tmp_path, app_train=root[[0, 0]]), "train")
    with pytest.raises(EmptyTableError):
        load_tables(write(tmp_path, ".parquet", app_train=root.clear()), "train")


def test_missing_target_and_declared_columns_are_named_together(tmp_path: Path) -> None:
    root = frames()["application"].drop("BAD", "PASSPORT")
    with pytest.raises(ColumnsError) as caught:
        load_tables(write(tmp_path, app_train=root), "train")
    assert caught.value.missing == ("BAD", "PASSPORT")


def test_zeros_in_front_of_a_text_key_stay_everywhere(tmp_path: Path) -> None:
    book = portfolio(TOML.replace('key = "ID"', 'key = "ID"\ntypes = { ID = "text" }'), loan=LOAN)
    (tmp_path / "application.csv").write_text("ID,PASSPORT,SEX,AGE,BAD\n007,1,F,40,0\n012,2,M,30,1\n", encoding="utf-8")
    (tmp_path / "loan.csv").write_text("ID,LOAN,TERM,BRANCH\n012,1,6,\n007,2,7,\n012,3,8,\n", encoding="utf-8")
    data = open_data(book, tmp_path)
    tables = load_tables(data, "train").tables
    assert tables["loan"]["ID"].to_list() == ["012", "007", "012"]
    contract = Sealed(infer_contract(book, tables), {"loan": frozenset({"TERM"})})
    assert load_tables(data, "score", contract, only=["012"]).tables["loan"]["LOAN"].to_list() == [1, 3]


def test_a_tie_takes_the_type_of_the_key_it_names(tmp_path: Path) -> None:
    hollow = frames()["loan"].with_columns(pl.col("ID").cast(pl.Float64))
    tables = load_tables(write(tmp_path, ".parquet", loan=hollow), "train").tables
    assert tables["loan"].schema["ID"] == pl.Int64
    with pytest.raises(ColumnsError, match="ID is number with values that are not integer"):
        load_tables(write(tmp_path, ".parquet", loan=hollow.with_columns(pl.col("ID") + 0.5)), "train")
    with pytest.raises(ColumnsError, match="ID is text, must be integer"):
        load_tables(write(tmp_path, ".parquet", loan=hollow.with_columns(pl.lit("x").alias("ID"))), "train")


def test_a_column_that_training_saw_as_text_is_read_as_text(tmp_path: Path) -> None:
    data = write(tmp_path)
    contract = sealed(data)
    write(tmp_path, app_score=frames()["application"][2:].with_columns(JOB=pl.lit("007")))
    assert load_tables(data, "score", contract).tables["application"]["JOB"].to_list() == ["007"]


def test_unknown_and_mistyped_columns_are_refused_when_scoring(tmp_path: Path) -> None:
    data = write(tmp_path)
    contract = sealed(data, application=frozenset({"AGE"}))
    write(tmp_path, app_score=frames()["application"][2:].with_columns(AMOUNT=pl.lit("x"), EXTRA=1).drop("AGE"))
    with pytest.raises(ColumnsError) as caught:
        load_tables(data, "score", contract)
    assert (caught.value.missing, caught.value.unknown, set(caught.value.mistyped)) == (
        ("AGE",),
        ("EXTRA",),
        {"AMOUNT"},
    )


def test_columns_that_feed_nothing_may_be_absent_and_come_in_any_order(tmp_path: Path) -> None:
    data = write(tmp_path)
    contract = sealed(data, application=frozenset({"AGE"}))
    write(tmp_path, app_score=frames()["application"][2:].select("JOB", "AGE", "ID"))
    loaded = load_tables(data, "score", contract).tables["application"]
    assert loaded.columns == list(contract.contract.tables["application"])
    assert loaded["AMOUNT"].to_list() == [None]


KEYS: list[Callable[[int], int | str]] = [int, str]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("key", KEYS)
def test_only_some_applications(suffix: str, key: Callable[[int], int | str], tmp_path: Path) -> None:
    data = write(tmp_path, suffix)
    contract = sealed(data)
    whole = load_tables(data, "train", contract).tables
    for row, number in enumerate((10, 20)):
        found = load_tables(data, "train", contract, only=[key(number)]).tables
        expected = restrict(BOOK, whole, pl.Series([row]))
        assert {name: frame.rows() for name, frame in found.items()} == {
            name: frame.rows() for name, frame in expected.items()
        }


def test_an_application_without_history_and_one_that_is_not_there(tmp_path: Path) -> None:
    strict = portfolio(BOOK.files["portfolio.toml"].decode().replace("optional = true", ""), loan=LOAN)
    write(tmp_path)
    data = open_data(strict, tmp_path)
    contract = sealed(data)
    found = load_tables(data, "score", contract, only=[30]).tables
    assert {name: frame.height for name, frame in found.items()} == {"application": 1, "loan": 0, "month": 0}
    require_application(found, strict, 30)
    for key in (10, 99, "x", ""):
        with pytest.raises(UnknownApplicationError, match=f"no row with ID = {key}"):
            require_application(load_tables(data, "score", contract, only=[key]).tables, strict, key)


def test_rows_without_a_key_are_asked_for_by_number(tmp_path: Path) -> None:
    frames()["application"].write_csv(tmp_path / "application.csv")
    data = open_data(KEYLESS, tmp_path)
    contract = sealed(data)
    assert load_tables(data, "train").tables["application"]["row_number"].to_list() == [0, 1, 2]
    found = load_tables(data, "score", contract, only=["2"]).tables["application"]
    assert found.select("row_number", "ID").rows() == [(2, 30)]
    assert load_tables(data, "score", contract, only=["x", 7]).tables["application"].is_empty()


def test_tables_read_once_can_be_held_to_another_contract(tmp_path: Path) -> None:
    data = write(tmp_path)
    tables = load_tables(data, "train").tables
    contract = sealed(data, application=frozenset({"AGE"}))
    wider = tables | {"application": tables["application"].with_columns(NEW=1)}
    held = hold(BOOK, wider, contract)
    assert held["application"].equals(tables["application"].drop("BAD"))
    with pytest.raises(ColumnsError, match="missing AGE"):
        hold(BOOK, tables | {"application": tables["application"].drop("AGE")}, contract)


def test_held_rows_without_a_key_keep_their_numbers(tmp_path: Path) -> None:
    frames()["application"].write_csv(tmp_path / "application.csv")
    data = open_data(KEYLESS, tmp_path)
    held = hold(KEYLESS, load_tables(data, "train").tables, sealed(data))["application"]
    assert held["row_number"].to_list() == [0, 1, 2]


def test_restrict_keeps_order_and_histories() -> None:
    kept = restrict(BOOK, frames(), pl.Series([2, 1]))
    assert kept["application"]["ID"].to_list() == [30, 20]
    assert kept["loan"]["LOAN"].to_list() == [1, 3, 4]
    assert kept["month"].height == 3


def test_the_fingerprint_is_of_contents_and_names(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        write(folder)
    assert fingerprint(open_data(BOOK, first)) == fingerprint(open_data(BOOK, second))
    (second / "notes.txt").write_text("other", encoding="utf-8")
    assert fingerprint(open_data(BOOK, first)) == fingerprint(open_data(BOOK, second))
    (second / "month.csv").write_text("LOAN,LATE,DUE\n1,0,1.5\n", encoding="utf-8")
    assert fingerprint(open_data(BOOK, first)) != fingerprint(open_data(BOOK, second))


def test_progress_is_told(tmp_path: Path) -> None:
    steps: list[Step] = []
    load_tables(write(tmp_path), "train", listen=steps.append)
    assert [(step.done, step.total, step.note) for step in steps] == [
        (0, 3, "application"),
        (1, 3, "loan"),
        (2, 3, "month"),
        (3, 3, ""),
    ]


def test_a_column_called_row_is_a_column_like_others(tmp_path: Path) -> None:
    frames()["application"].rename({"AGE": "row"}).write_csv(tmp_path / "application.csv")
    found = load_tables(open_data(KEYLESS, tmp_path), "train").tables["application"]
    assert found.select("row", "row_number").rows() == [(40, 0), (25, 1), (None, 2)]


def test_a_key_may_bear_the_name_of_row_numbers(tmp_path: Path) -> None:
    named = TOML.replace('"ID"', '"row_number"')
    book = portfolio(named, loan=LOAN.replace("BY ID", "BY row_number"))
    for name, frame in frames().items():
        frame.rename({"ID": "row_number"}, strict=False).write_csv(tmp_path / f"{name}.csv")
    tables = load_tables(open_data(book, tmp_path), "train").tables
    assert tables["application"]["row_number"].to_list() == [10, 20, 30]


@pytest.mark.parametrize("text", ["ID,PASSPORT,SEX,BAD,DAY\n1,a,F,0,7\n", "ID,PASSPORT,SEX,BAD,DAY\n1,a,F,0,soon\n"])
def test_a_date_column_without_dates_is_refused_when_read(text: str, tmp_path: Path) -> None:
    dated = portfolio(TOML.replace('key = "ID"\nid', 'key = "ID"\ndate = "DAY"\nid'))
    (tmp_path / "application.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ColumnsError, match="DAY is (integer|text), must be date or datetime"):
        load_tables(open_data(dated, tmp_path), "train")


def test_the_row_of_a_person_taken_for_a_header_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "application.csv").write_text("1,3,54000,Anna Martin\n2,4,60000,Paul Petit\n", encoding="utf-8")
    with pytest.raises(ColumnsError, match="does not look like a header") as caught:
        load_tables(open_data(BOOK, tmp_path), "train")
    assert "Anna" not in str(caught.value)
