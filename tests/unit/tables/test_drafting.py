from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from scorewright.errors import ColumnsError, EmptyTableError, OutputError, TargetError, UnreadableFileError
from scorewright.features.compile import compile_features
from scorewright.features.engine import FeatureEngine
from scorewright.tables.contract import infer_contract
from scorewright.tables.drafting import Draft, draft_portfolio
from scorewright.tables.loading import load_tables, open_data
from scorewright.tables.portfolio import Portfolio, load_portfolio

ROWS = 240


def outsider(**more: object) -> pl.DataFrame:
    """A table as strangers keep them: odd names, gaps, dates in every order."""
    return pl.DataFrame(
        {
            "": range(ROWS),
            "Loan No": [f"L-{n:05}" for n in range(ROWS)],
            "order": [n % 7 for n in range(ROWS)],
            "select": [n / 3 if n % 5 else None for n in range(ROWS)],
            "1st income (€)": [1000.5 + n for n in range(ROWS)],
            'the "real" rate': [n % 11 / 100 for n in range(ROWS)],
            "prénom|nom -- x": [f"person {n % 150}" for n in range(ROWS)],
            "it's\nodd": ["a" if n % 2 else "b" for n in range(ROWS)],
            "signed": pl.Series(["2024-02-29", "1999-12-31", None, "2020-01-01"] * (ROWS // 4)),
            "signed_year": [n % 3 for n in range(ROWS)],
            "due": ["29/02/2024", "31/12/1999"] * (ROWS // 2),
            "when": ["2024-02-29 10:00", "1999-12-31T23:59:59"] * (ROWS // 2),
            "amountPAID": [n * 10 for n in range(ROWS)],
            "owner": [n % 2 == 0 for n in range(ROWS)],
            "nothing": pl.Series([None] * ROWS, dtype=pl.Float64),
            "same": ["x"] * ROWS,
            "x" * 90: [n % 4 for n in range(ROWS)],
            "outcome": [int(n % 10 == 0) for n in range(ROWS)],
        }
        | more
    )


def draft(
    tmp_path: Path, frame: pl.DataFrame, name: str = "book.csv", target: str = "outcome"
) -> tuple[Draft, Portfolio]:
    data = tmp_path / name
    (frame.write_csv if name.endswith("csv") else frame.write_parquet)(data)
    drafted = draft_portfolio(data, target, tmp_path / "mine")
    return drafted, load_portfolio(tmp_path / "mine")


def features(book: Portfolio, data: Path) -> pl.DataFrame:
    tables = load_tables(open_data(book, data), "train").tables
    return FeatureEngine(book, compile_features(book, infer_contract(book, tables))).compute(tables)


def test_the_draft_loads_compiles_and_computes(tmp_path: Path) -> None:
    drafted, book = draft(tmp_path, outsider())
    matrix = features(book, tmp_path)
    assert (drafted.rows, drafted.key, drafted.default, drafted.default_rate) == (ROWS, "Loan No", "1", 0.1)
    assert set(drafted.left_out) == {"", "prénom|nom -- x", "nothing", "same"}
    assert drafted.features == matrix.width
    assert matrix.columns == [
        "order", "select", "1st income (€)", 'the "real" rate', "it's\nodd", "signed_year", "due", "amountPAID",
        "owner", "x" * 90, "signed_year_", "signed_month", "when_year", "when_month",
    ]  # fmt: skip
    assert matrix["signed_year_"].to_list()[:3] == [2024, 1999, None]
    assert matrix["when_month"].to_list()[:2] == [2, 12]


def test_labels_are_whole(tmp_path: Path) -> None:
    _, book = draft(tmp_path, outsider().rename({"signed": "day | of -- signing"}))
    tables = load_tables(open_data(book, tmp_path), "train").tables
    labels = {each.name: each.label for each in compile_features(book, infer_contract(book, tables)).features}
    assert labels["day___of____signing_year"].en == "Day / of -- signing: year"
    assert labels["day___of____signing_month"].fr == "Day / of -- signing : mois"
    assert labels["amountPAID"].en == "Amount paid"


def test_csv_and_parquet_give_the_same_draft(tmp_path: Path) -> None:
    texts = []
    for name in ("book.csv", "book.parquet"):
        (tmp_path / name).mkdir()
        _, book = draft(tmp_path / name, outsider(), f"book.{name[5:]}")
        texts.append(book.files)
        assert features(book, tmp_path / name).height == ROWS
    assert texts[0] == texts[1]


def test_columns_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    frame = outsider(tags=[[1, 2]] * ROWS, time=pl.Series([1] * ROWS).cast(pl.Time))
    drafted, book = draft(tmp_path, frame, "book.parquet")
    assert {"tags", "time"} <= set(drafted.left_out)
    assert features(book, tmp_path).width == drafted.features


TARGETS: dict[str, tuple[list[object], str]] = {
    "0 and 1": ([0, 1], "1"),
    "0.0 and 1.0": ([0.0, 1.0], "1.0"),
    "booleans": ([False, True], "true"),
    "yes and no": (["no", "yes"], "yes"),
    "capital letters": (["N", "Y"], "Y"),
    "words": (["good", "bad"], "bad"),
    "French": (["remboursé", "défaut"], "défaut"),
    "unknown words take the rarer": (["common", "rare"], "rare"),
    "1 and 2 take the rarer": ([1, 2], "2"),
}


@pytest.mark.parametrize(("values", "default"), TARGETS.values(), ids=TARGETS)
def test_targets(values: list[object], default: str, tmp_path: Path) -> None:
    frame = outsider(outcome=[values[n % 10 == 0] for n in range(ROWS)])
    drafted, book = draft(tmp_path, frame)
    assert drafted.default == default
    assert drafted.default_rate == 0.1
    features(book, tmp_path)


def test_wrong_target(tmp_path: Path) -> None:
    with pytest.raises(ColumnsError, match=r"missing outcme.*Name the target among"):
        draft(tmp_path, outsider(), target="outcme")
    gaps = outsider(outcome=[None if n == 3 else n % 2 for n in range(ROWS)])
    for frame, found in ((gaps, "1 empty"), (outsider(outcome=[n % 3 for n in range(ROWS)]), "3 different values")):
        with pytest.raises(TargetError, match=found):
            draft(tmp_path, frame)
    assert not (tmp_path / "mine").exists()


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="it does not exist"):
        draft_portfolio(tmp_path / "none.csv", "y", tmp_path / "mine")
    with pytest.raises(EmptyTableError):
        draft(tmp_path, outsider().clear())


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    draft(tmp_path, outsider())
    before = (tmp_path / "mine" / "portfolio.toml").read_bytes()
    with pytest.raises(OutputError, match="new or empty folder"):
        draft(tmp_path, outsider())
    assert (tmp_path / "mine" / "portfolio.toml").read_bytes() == before
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="new or empty folder"):
        draft_portfolio(tmp_path / "book.csv", "outcome", tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.csv", "file", "mine"]


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"loan_id": range(4), "n": range(4)}, "loan_id"),
        ({"n": range(4), "SK_ID_CURR": range(4)}, "SK_ID_CURR"),
        ({"loanId": range(4)}, "loanId"),
        ({"id": [1, 1, 2, 3]}, None),
        ({"AMT_PAID": range(4)}, None),
        ({"name": ["a", "b", "c", "d"]}, "name"),
        ({"loan_id": [1.5, 2.5, 3.5, 4.5]}, None),
    ],
)
def test_the_key_is_guessed_from_names_and_values(columns: dict[str, object], key: str | None, tmp_path: Path) -> None:
    frame = pl.DataFrame(columns | {"x": [1, 2, 1, 2], "y": [0, 1, 0, 0]})
    drafted, book = draft(tmp_path, frame, target="y")
    assert drafted.key == key
    assert book.key == (key or "row_number")
    features(book, tmp_path)


@pytest.mark.parametrize("name", ["2024 loans", "été", "a" * 99, "-"])
def test_any_folder_name_makes_a_portfolio_name(name: str, tmp_path: Path) -> None:
    outsider().write_csv(tmp_path / "book.csv")
    draft_portfolio(tmp_path / "book.csv", "outcome", tmp_path / name)
    assert load_portfolio(tmp_path / name).name


@pytest.mark.parametrize("each", [1, 2, 3])
def test_text_that_hardly_repeats_is_an_identifier(each: int, tmp_path: Path) -> None:
    """Training sees a part of the rows, in which values repeat less."""
    names = [f"person {n // each % 80}" if n < 80 * each else None for n in range(ROWS)]
    drafted, book = draft(tmp_path, outsider(contact=names))
    assert "contact" in drafted.left_out
    assert "contact" in book.tables["application"].identifiers


def test_a_column_called_row_is_no_obstacle(tmp_path: Path) -> None:
    frame = pl.DataFrame({"row": [1, 1, 2, 2], "x": [1, 2, 1, 2], "y": [0, 1, 0, 0]})
    _, book = draft(tmp_path, frame, target="y")
    assert features(book, tmp_path).columns == ["row", "x"]
    clash = tmp_path / "clash"
    clash.mkdir()
    with pytest.raises(ColumnsError, match="row_number has the name that row numbers take.*Rename it"):
        draft(clash, frame.rename({"row": "row_number"}), target="y")


def test_a_table_without_a_header_keeps_its_first_row_to_itself(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text("1,3,54000,Anna Martin\n2,4,60000,Paul Petit\n", encoding="utf-8")
    with pytest.raises(ColumnsError, match="does not look like a header") as caught:
        draft_portfolio(tmp_path / "book.csv", "y", tmp_path / "mine")
    assert "Anna" not in str(caught.value)
