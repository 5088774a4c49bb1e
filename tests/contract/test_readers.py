"""Every way in which a table can lie on disk gives the same frame, and every broken file is refused."""

from __future__ import annotations

import datetime as dt
import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from scorewright.errors import UnreadableFileError
from scorewright.tables.readers import collect, find_table, scan_table
from scorewright.tables.types import with_dates

FRAME = pl.DataFrame(
    {
        "key": [1, 2, 3, 4],
        "code": ["007", "010", "1e5", None],
        "amount": [1.5, None, -3.0, 0.1],
        "note": ['say "no", or', "two\nlines", "", "café"],
        "flag": [True, False, None, True],
        "day": [dt.date(2024, 2, 29), None, dt.date(1999, 12, 31), dt.date(2000, 1, 1)],
        "none": pl.Series([None] * 4, dtype=pl.Null),
    }
)
TEXT = frozenset({"code", "note"})


def as_csv(folder: Path) -> Path:
    FRAME.write_csv(folder / "t.csv")
    return folder / "t.csv"


def as_csv_crlf(folder: Path) -> Path:
    FRAME.write_csv(folder / "t.csv", line_terminator="\r\n")
    return folder / "t.csv"


def as_csv_bom(folder: Path) -> Path:
    FRAME.write_csv(folder / "t.csv", include_bom=True)
    return folder / "t.csv"


def as_csv_without_last_line_end(folder: Path) -> Path:
    (folder / "t.csv").write_text(FRAME.write_csv().rstrip("\n"), encoding="utf-8")
    return folder / "t.csv"


def as_capital_csv(folder: Path) -> Path:
    FRAME.write_csv(folder / "t.CSV")
    return folder / "t.CSV"


def as_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "t.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", FRAME.write_csv())
        archive.writestr("__MACOSX/._t.csv", "x")
    return folder / "t.csv.zip"


def as_gzip(folder: Path) -> Path:
    (folder / "t.csv.gz").write_bytes(gzip.compress(FRAME.write_csv().encode()))
    return folder / "t.csv.gz"


def as_parquet(folder: Path) -> Path:
    FRAME.write_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def as_parquet_parts(folder: Path) -> Path:
    (folder / "t").mkdir()
    for part in range(2):
        FRAME[part * 2 : part * 2 + 2].write_parquet(folder / "t" / f"part-{part}.parquet")
    (folder / "t" / "_SUCCESS").touch()
    (folder / "t" / ".part-0.parquet.crc").touch()
    return folder / "t"


def as_csv_parts(folder: Path) -> Path:
    (folder / "t").mkdir()
    for row in range(4):
        FRAME[row].write_csv(folder / "t" / f"{row}.csv")
    return folder / "t"


def as_parts_in_another_order(folder: Path) -> Path:
    (folder / "t").mkdir()
    FRAME[:2].write_parquet(folder / "t" / "a.parquet")
    FRAME[2:].select(reversed(FRAME.columns)).with_columns(pl.col("key").cast(pl.Int16)).write_parquet(
        folder / "t" / "b.parquet"
    )
    return folder / "t"


WAYS: list[Callable[[Path], Path]] = [
    as_csv,
    as_csv_crlf,
    as_csv_bom,
    as_csv_without_last_line_end,
    as_capital_csv,
    as_zip,
    as_gzip,
    as_parquet,
    as_parquet_parts,
    as_csv_parts,
    as_parts_in_another_order,
]


@pytest.mark.parametrize("write", WAYS)
def test_every_way_gives_the_same_frame(write: Callable[[Path], Path], tmp_path: Path) -> None:
    source = write(tmp_path)
    frame = with_dates(collect(scan_table(source, TEXT), source), keep=TEXT)
    # No value and an empty text differ in these CSV files too: Polars writes the second in quotes, and reads it so.
    assert frame.equals(FRAME)
    assert frame.schema["none"] == pl.Null


@pytest.mark.parametrize("write", [way for way in WAYS if way is not as_capital_csv])
def test_every_way_is_found_by_the_name_of_the_table(write: Callable[[Path], Path], tmp_path: Path) -> None:
    assert find_table(tmp_path, "t") is None
    assert find_table(tmp_path, write(tmp_path).name.split(".")[0]) is not None
    assert find_table(tmp_path, "other") is None


def test_empty_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    assert find_table(tmp_path, "t") is None
    with pytest.raises(UnreadableFileError, match="holds no file ending in"):
        scan_table(tmp_path / "t")


def test_rows_are_left_on_disk(tmp_path: Path) -> None:
    source = as_parquet(tmp_path)
    assert collect(scan_table(source).filter(pl.col("key") == 3).select("amount"), source).rows() == [(-3.0,)]


def test_zeros_in_front_stay_only_where_the_column_is_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n007,007\n010,010\n", encoding="utf-8")
    assert collect(scan_table(tmp_path / "t.csv", {"b"}), tmp_path).rows() == [(7, "007"), (10, "010")]


SECRET = "Dupont"
BROKEN: dict[str, tuple[str, bytes, str]] = {
    "nothing": ("t.csv", b"", "it is empty"),
    "line ends only": ("t.csv", b"\n\n", "it is empty"),
    "cut in the last line": ("t.csv", b"a,b,c\n1,2,3\n4,Dupont", "line 3 has 2 of 3 fields"),
    "cut behind the first field": ("t.csv", b"a,b,c\n1,2,3\nDupont", "line 3 has 1 of 3 fields"),
    "short line in the middle": ("t.csv", b"a,b,c\n1,2,3\n4,Dupont\n5,6,7\n", "line 3 has 2 of 3 fields"),
    "short line behind quotes": ("t.csv", b'a,b,c\n1,"x,\ny",3\n4,"Du""pont"\n5,6,7\n', "line 4 has 2 of 3 fields"),
    "blank line": ("t.csv", b"a,b,c\n1,2,3\n\n5,6,Dupont\n", "line 3 has 0 of 3 fields"),
    "long line": ("t.csv", b"a,b\n1,2\n3,4,Dupont\n", "more fields than the header"),
    "short and long": ("t.csv", b"a,b\n1\n3,4,Dupont\n", "fields"),
    "open quote": ("t.csv", b'a,b\n1,"Dupont\n2,3\n', ""),
    "open quote in the header": ("t.csv", b'a,"b\n1,Dupont\n', "quotation mark"),
    "same name twice": ("t.csv", b"a,b,a\n1,2,Dupont\n", "two columns have the same name ('a')"),
    "same value twice in a first line that is no header": (
        "t.csv",
        b"1,Dupont,Dupont,1990-02-03\n",
        "two columns have the same name; the first line may not be a header",
    ),
    "semicolons": ("t.csv", b"a;b\n1;Dupont\n", "separated by semicolons"),
    "Latin-1": ("t.csv", "a,b\n1,Dupont é\n".encode("latin-1"), "it is not UTF-8"),
    "Latin-1 header": ("t.csv", "a,é\n1,2\n".encode("latin-1"), "it is not UTF-8"),
    "UTF-16": ("t.csv", "a,b\n1,Dupont\n".encode("utf-16"), "it is not UTF-8"),
    "old line ends": ("t.csv", b"a,b\r1,Dupont\r2,3\r", "its lines end in a carriage return alone"),
    "zip that is none": ("t.csv.zip", b"a,b\n1,Dupont\n", "not a whole zip archive"),
    "gzip that is none": ("t.csv.gz", b"a,b\n1,Dupont\n", "damaged or cut short"),
    "gzip cut short": ("t.csv.gz", gzip.compress(b"a,b\n1,Dupont\n" * 99)[:-12], "damaged or cut short"),
    "parquet that is none": ("t.parquet", b"a,b\n1,Dupont\n", "not whole Parquet"),
    "no parquet at all": ("t.parquet", b"", "Parquet"),
    "other ending": ("t.xlsx", b"a,b\n1,Dupont\n", "ends in none of"),
}


@pytest.mark.parametrize(("name", "content", "words"), BROKEN.values(), ids=BROKEN)
def test_broken_file(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFileError) as caught:
        collect(scan_table(tmp_path / name), tmp_path / name)
    assert words in str(caught.value)
    assert name in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_missing_file(tmp_path: Path) -> None:
    for name in ("t.csv", "t.parquet", "t.csv.zip", "t.csv.gz"):
        with pytest.raises(UnreadableFileError, match="it does not exist"):
            scan_table(tmp_path / name)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_parquet_cut_short(share: float, tmp_path: Path) -> None:
    source = as_parquet(tmp_path)
    content = source.read_bytes()
    source.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableFileError, match="Parquet"):
        collect(scan_table(source), source)


def test_damaged_parquet_page(tmp_path: Path) -> None:
    source = tmp_path / "t.parquet"
    pl.DataFrame({"a": [f"Dupont {n}" for n in range(999)]}).write_parquet(source)
    content = bytearray(source.read_bytes())
    content[8:400] = bytes(392)
    source.write_bytes(content)
    with pytest.raises(UnreadableFileError) as caught:
        collect(scan_table(source), source)
    assert SECRET not in str(caught.value)


def test_locked_and_crowded_archives(tmp_path: Path) -> None:
    for members in ((), ("a.csv", "b.csv")):
        with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
            for member in members:
                archive.writestr(member, "a\n1\n")
        with pytest.raises(UnreadableFileError, match=f"it must hold one CSV, not {len(members)}"):
            scan_table(tmp_path / "t.csv.zip")


def test_parts_with_other_columns(tmp_path: Path) -> None:
    folder = as_parquet_parts(tmp_path)
    FRAME.drop("flag").write_parquet(folder / "part-9.parquet")
    with pytest.raises(UnreadableFileError, match="do not have the same columns"):
        scan_table(folder)


def test_quotes_that_look_broken_to_a_count_and_are_not(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a,b,c\n"1","","x ""y"", z"\n"",2,"\n\n"\n', encoding="utf-8")
    assert collect(scan_table(tmp_path / "t.csv"), tmp_path).height == 2


def test_one_column_may_have_gaps(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n\n3\n", encoding="utf-8")
    assert collect(scan_table(tmp_path / "t.csv"), tmp_path)["a"].to_list() == [1, None, 3]


def test_dates_in_any_other_order_stay_text(tmp_path: Path) -> None:
    text = (
        "a,b,c,d\n"
        "01/02/2024,2024-02-01,2024-02-01T10:00:00,2024-02-30\n"
        "02/02/2024,2024-02-02,2024-02-02 10:30,2024-02-01\n"
    )
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    frame = with_dates(collect(scan_table(tmp_path / "t.csv"), tmp_path))
    assert list(frame.schema.values()) == [pl.String, pl.Date, pl.Datetime("us"), pl.String]
    assert frame["c"].to_list() == [dt.datetime(2024, 2, 1, 10), dt.datetime(2024, 2, 2, 10, 30)]  # noqa: DTZ001
