from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scorewright.errors import SettingsError
from scorewright.ledger import LedgerKeys, open_ledger
from scorewright.ledger.settings import ledger_keys, ledger_url

STRONG = "s" * 32
POSTGRESQL = "postgresql://lender@db.example/ledger"


def test_the_ledger_lies_under_home_unless_another_is_named(tmp_path: Path) -> None:
    assert ledger_url(tmp_path) == f"sqlite:///{tmp_path}/ledger.db"
    assert ledger_url(Path("here")) == f"sqlite:///{Path.cwd()}/here/ledger.db"
    assert ledger_url(tmp_path, POSTGRESQL) == POSTGRESQL


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = ledger_keys(tmp_path)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes().strip() == made.secret
    assert ledger_keys(tmp_path) == made
    assert len(made.secret) == 64


def test_who_starts_at_the_same_time_gets_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: ledger_keys(tmp_path), range(8)))) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_secret_that_was_lost_is_not_made_anew(tmp_path: Path) -> None:
    open_ledger(ledger_url(tmp_path), ledger_keys(tmp_path)).close()
    (tmp_path / "ledger.secret").unlink()
    with pytest.raises(SettingsError, match=r"ledger\.db without .*ledger\.secret"):
        ledger_keys(tmp_path)


def test_a_secret_can_be_given_or_read_and_goes_before_the_one_under_home(tmp_path: Path) -> None:
    ledger_keys(tmp_path)
    (tmp_path / "secret").write_text(f"{STRONG}\n")
    assert ledger_keys(tmp_path, secret=STRONG) == LedgerKeys(STRONG.encode())
    assert ledger_keys(tmp_path, POSTGRESQL, secret_file=tmp_path / "secret") == LedgerKeys(STRONG.encode())
    assert ledger_keys(tmp_path, secret=STRONG, former=["a" * 32, "b" * 32]).former == (b"a" * 32, b"b" * 32)


def test_a_database_of_ones_own_needs_a_secret_of_ones_own(tmp_path: Path) -> None:
    for url in (POSTGRESQL, f"sqlite:///{tmp_path / 'own.db'}"):
        with pytest.raises(SettingsError, match="SCOREWRIGHT_LEDGER_SECRET_FILE"):
            ledger_keys(tmp_path, url)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_a_secret_is_told_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for given, told in (
        ({"secret": "short-and-known"}, "32 random bytes"),
        ({"secret": STRONG, "former": [STRONG]}, "no two the same"),
        ({"secret": STRONG, "secret_file": tmp_path / "file"}, "one secret in force"),
        ({"secret_file": tmp_path / "absent"}, "absent: No such file"),
        ({"secret_file": tmp_path / "file"}, "32 random bytes"),
    ):
        with pytest.raises(SettingsError, match=told) as caught:
            ledger_keys(tmp_path, **given)  # type: ignore[arg-type]
        assert STRONG not in str(caught.value)
        assert "short-and-known" not in str(caught.value)


def test_a_home_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="Not a directory"):
        ledger_keys(tmp_path / "file")
