from __future__ import annotations

from pathlib import Path

import pytest

from scorewright.domain.costs import CostMatrix
from scorewright.domain.matrix import Label
from scorewright.errors import PortfolioError
from scorewright.tables.portfolio import load_portfolio, portfolio_from_files, shipped_portfolios
from tests.oracles.book import LOAN, TOML, portfolio


def changed(old: str, new: str) -> str:
    assert old in TOML
    return TOML.replace(old, new)


def refusal(toml: str) -> str:
    with pytest.raises(PortfolioError) as caught:
        portfolio(toml)
    return str(caught.value)


def test_what_it_says() -> None:
    book = portfolio(loan=LOAN)
    assert (book.name, book.label, book.root, book.key) == ("book", Label("Book", "Livre"), "application", "ID")
    assert (book.target.column, book.target.default, book.unseen_category) == ("BAD", 1, "refuse")
    assert book.costs == CostMatrix(10.0, 1.0)
    assert book.children("application") == ("loan",)
    assert book.children("month") == ()
    assert book.sql("loan") == LOAN
    assert book.sql("month") is None
    assert book.tables["application"].not_features == {"ID", "PASSPORT", "SEX"}


TYPOS = {
    "setting of a table": (
        changed('key = "LOAN"', 'kee = "LOAN"'),
        "tables.loan.kee is not a known setting (did you mean 'key'?)",
    ),
    "setting of the target": (changed("default = 1", "defalt = 1"), "did you mean 'default'?"),
    "section": (changed("[target]", "[taget]"), "taget is not a known setting (did you mean 'target'?)"),
    "cost": (TOML + "[costs]\nfalse_negatve = 2\n", "did you mean 'false_negative'?"),
    "value": (changed("optional = true", 'orphans = "keep"'), "tables.loan.orphans"),
}


@pytest.mark.parametrize(("toml", "words"), TYPOS.values(), ids=TYPOS)
def test_typo(toml: str, words: str) -> None:
    assert words in refusal(toml)


CONTRADICTIONS = {
    "no such parent": (changed('parent = "loan"', 'parent = "lone"'), "tables.month.parent names no table: 'lone'"),
    "on is no key": (
        changed('parent = "application"\non = "ID"', 'parent = "application"\non = "PASSPORT"'),
        "must be the key of 'application' ('ID')",
    ),
    "no on": (changed('parent = "loan"\non = "LOAN"', 'parent = "loan"'), "tables.month.on must be the key of 'loan'"),
    "parent without key": (changed('key = "LOAN"', ""), "tables.month.on must be the key of 'loan' (None)"),
    "two roots": (TOML + "[tables.other]\n", "exactly one table, called 'application'"),
    "root by another name": (TOML.replace("application", "client"), "called 'application'"),
    "circle": (
        changed(
            'parent = "application"\non = "ID"\nkey = "LOAN"', 'parent = "month"\non = "LOAN"\nkey = "LOAN"'
        ).replace('parent = "loan"\non = "LOAN"', 'parent = "loan"\non = "LOAN"\nkey = "LOAN"'),
        "leads back to itself",
    ),
    "optional root": (changed('key = "ID"', 'key = "ID"\noptional = true'), "have no meaning there"),
    "target is the key": (changed('column = "BAD"', 'column = "ID"'), "target.column cannot be"),
    "empty key": (changed('key = "ID"', 'key = ""'), "tables.application.key"),
    "free loans": (TOML + "[costs]\nfalse_positive = 0\n", "greater than 0"),
    "priceless": (TOML + "[costs]\nfalse_positive = inf\n", "finite number"),
    "name": (changed('name = "book"', 'name = "my book"'), "portfolio.name"),
    "no target": (changed('[target]\ncolumn = "BAD"\ndefault = 1\n', ""), "target"),
}


@pytest.mark.parametrize(("toml", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradiction(toml: str, words: str) -> None:
    assert words in refusal(toml)


def test_all_problems_are_said_at_once() -> None:
    message = refusal(changed('key = "ID"', 'kee = "ID"').replace("default = 1", "defalt = 1"))
    assert "tables.application.kee" in message
    assert "target.defalt" in message


def test_bad_toml_names_the_line() -> None:
    message = refusal('[portfolio]\nname = "book\n')
    assert "book/portfolio.toml must be TOML" in message
    assert "line 2" in message


def test_files_are_utf8() -> None:
    files = {
        "portfolio.toml": TOML.encode(),
        "features/application.sql": "SELECT * FROM application -- é".encode("latin-1"),
    }
    with pytest.raises(PortfolioError, match=r"book/features/application\.sql must be UTF-8"):
        portfolio_from_files(files, "book")
    with pytest.raises(PortfolioError, match=r"book/portfolio\.toml must be UTF-8"):
        portfolio_from_files(files | {"portfolio.toml": TOML.replace("Livre", "Prêt").encode("latin-1")}, "book")


def test_a_byte_order_mark_is_no_fault() -> None:
    mark = b"\xef\xbb\xbf"
    files = {"portfolio.toml": mark + TOML.encode(), "features/application.sql": mark + b"SELECT AGE FROM application"}
    book = portfolio_from_files(files, "book")
    assert book.name == "book"
    assert book.sql("application") == "SELECT AGE FROM application"
    assert book.files["portfolio.toml"].startswith(mark)


def test_feature_files_are_named_for_tables() -> None:
    with pytest.raises(PortfolioError, match=r"features/lone\.sql \(did you mean 'loan'\?\)"):
        portfolio(lone=LOAN)
    with pytest.raises(PortfolioError, match=r"needs features/application\.sql"):
        portfolio_from_files({"portfolio.toml": TOML.encode()}, "book")
    with pytest.raises(PortfolioError, match=r"needs portfolio\.toml"):
        portfolio_from_files({}, "book")


def write(folder: Path) -> Path:
    (folder / "features").mkdir(parents=True)
    (folder / "portfolio.toml").write_text(TOML, encoding="utf-8")
    (folder / "features" / "application.sql").write_text("SELECT * FROM application", encoding="utf-8")
    (folder / "features" / "notes.txt").write_text("not SQL", encoding="utf-8")
    return folder


def test_read_from_a_folder_as_written(tmp_path: Path) -> None:
    book = load_portfolio(write(tmp_path / "mine"))
    assert set(book.files) == {"portfolio.toml", "features/application.sql"}
    assert book.files["portfolio.toml"] == TOML.encode()
    assert book.sql_place("application") == f"{(tmp_path / 'mine').as_posix()}/features/application.sql"


def test_shipped_ones_load_by_name() -> None:
    assert "home_credit" in shipped_portfolios()
    for name in shipped_portfolios():
        book = load_portfolio(name)
        assert book.name == name
        assert book.sql_place("application") == f"{name}/features/application.sql"


def test_unknown_name_and_folder_without_portfolio(tmp_path: Path) -> None:
    with pytest.raises(PortfolioError, match="did you mean 'home_credit'"):
        load_portfolio("home_credt")
    with pytest.raises(PortfolioError, match=r"holds portfolio\.toml"):
        load_portfolio(tmp_path)
