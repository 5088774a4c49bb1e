from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from scorewright.bootstrap import Settings, Workbench, open_workbench
from scorewright.domain.ledger import AccessEntry, Wanted
from scorewright.errors import LedgerTamperedError, SettingsError, UnknownDecisionError
from scorewright.ledger.anchors import from_lines


@pytest.mark.parametrize("inside", ["", "home"])
def test_a_home_that_cannot_be_a_folder_is_told(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    workbench = Workbench(Settings(home=tmp_path / "file" / inside, registry="folder"))
    with pytest.raises(SettingsError, match="SCOREWRIGHT_HOME"):
        workbench.registry  # noqa: B018 - opening it is what fails


def test_a_home_is_made_when_needed(tmp_path: Path) -> None:
    workbench = Workbench(Settings(home=tmp_path / "new" / "home", registry="folder"))
    assert workbench.registry.portfolios() == ()
    assert workbench.shelves.bundles.parent.is_dir()


# The ledger


def settings(home: Path, **given: Any) -> Settings:
    return Settings(home=home, registry="folder", **given)


def test_the_ledger_is_made_under_home_with_a_secret_of_its_own(tmp_path: Path) -> None:
    made = Workbench(settings(tmp_path / "new"))
    ledger = made.ledger
    assert made.ledger is ledger
    kept = ledger.append(AccessEntry("desk", "GET /v1/model", allowed=True))
    ledger.close()
    again = Workbench(settings(tmp_path / "new")).open_ledger()
    assert list(again.iterate(Wanted("access"))) == [kept]
    again.close()


def test_a_secret_that_was_given_opens_what_it_wrote_and_no_other_does(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'own.db'}"
    Workbench(settings(tmp_path, ledger=url, ledger_secret=SecretStr("a" * 32))).ledger.close()
    with pytest.raises(LedgerTamperedError):
        Workbench(settings(tmp_path, ledger=url, ledger_secret=SecretStr("b" * 32))).open_ledger()
    (tmp_path / "secret").write_text("b" * 32 + "\n")
    changed = settings(tmp_path, ledger=url, ledger_secret_file=tmp_path / "secret", ledger_former_secrets=("a" * 32,))
    Workbench(changed).open_ledger().close()


def test_former_secrets_are_read_from_one_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREWRIGHT_LEDGER_FORMER_SECRETS", f"{'a' * 32}, {'b' * 32}")
    read = settings(tmp_path)
    assert [one.get_secret_value() for one in read.ledger_former_secrets] == ["a" * 32, "b" * 32]
    assert "aaaa" not in repr(read)


def test_a_variable_that_cannot_be_used_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREWRIGHT_LEDGER_SECONDS", "quick")
    with pytest.raises(SettingsError, match="SCOREWRIGHT_LEDGER_SECONDS") as refusal:
        open_workbench()
    assert "quick" not in str(refusal.value)


def test_anchors_go_to_the_file_that_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "anchors.jsonl"
    ledger = Workbench(settings(tmp_path, ledger_anchors=kept)).ledger
    for _ in range(1000):
        ledger.submit(AccessEntry("key:a", "GET /v1/clients/{id}", allowed=True))
    ledger.close()
    (anchor,) = from_lines(kept.read_text())
    assert anchor.sequence == 1000


def test_who_only_reads_makes_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There must be a ledger"):
        Workbench(settings(tmp_path / "new")).open_ledger()
    (tmp_path / "empty.db").touch()
    empty = settings(tmp_path, ledger=f"sqlite:///{tmp_path / 'empty.db'}", ledger_secret=SecretStr("a" * 32))
    with pytest.raises(SettingsError, match="There must be a ledger"):
        Workbench(empty).open_ledger()
    assert not (tmp_path / "new" / "ledger.db").exists()


def test_the_replayer_reads_the_registry_and_the_ledger_of_the_settings(tmp_path: Path) -> None:
    made = Workbench(settings(tmp_path))
    with pytest.raises(UnknownDecisionError):
        made.replayer.replay("no-such-id")
    made.ledger.close()
