from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from scorewright.cli import keys
from scorewright.domain.access import ROLES
from scorewright.errors import SettingsError
from scorewright.serve.access.key_file import change_keys, read_keys
from scorewright.serve.access.keys import digest_of, id_of

app = typer.Typer()
keys.add_verbs(app)


@app.command()
def other() -> None:
    """Make the application one of several verbs."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def run(place: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments], env={"SCOREWRIGHT_KEYS_FILE": str(place)})


def made(place: Path, *arguments: str) -> str:
    ran = run(place, *arguments)
    assert ran.exit_code == 0, ran.output
    return ran.stdout.strip()


def new(place: Path, name: str = "branches", *arguments: str) -> str:
    return made(place, "new", name, "--role", "integrator", *arguments)


def test_a_new_key_is_shown_alone_on_standard_output_and_kept_as_a_hash(place: Path) -> None:
    ran = run(place, "new", "branches", "--role", "officer", "--role", "validator", "--days", "90", "--client", "17")
    text = ran.stdout.strip()
    (record,) = read_keys(place)
    assert (record.id, record.digest) == (id_of(text), digest_of(text).hex())
    assert (record.name, record.roles, record.clients) == ("branches", ("officer", "validator"), ("17",))
    assert record.expires - record.created == timedelta(days=90)
    assert text not in ran.stderr + place.read_text()
    assert "not shown again" in ran.stderr


def test_every_role_can_be_given(place: Path) -> None:
    assert [role.value for role in keys.RoleName] == list(ROLES)
    assert run(place, "new", "x", "--role", "root").exit_code == 2
    assert run(place, "new", "x").exit_code == 2


def test_a_key_sees_every_client_unless_told_otherwise(place: Path) -> None:
    new(place)
    assert read_keys(place)[0].clients is None


def test_the_list_tells_no_secret(place: Path) -> None:
    text = new(place)
    shown, told = made(place, "list"), json.loads(made(place, "list", "--json"))
    assert id_of(text) in shown
    assert "live" in shown
    assert [(one["name"], one["state"], one["roles"]) for one in told] == [("branches", "live", ["integrator"])]
    assert text.rpartition("_")[2] not in shown + json.dumps(told)
    assert "digest" not in told[0]


def test_a_revoked_key_is_named_and_stays_in_the_list(place: Path) -> None:
    text = new(place)
    assert made(place, "revoke", text) == f"Revoked: {id_of(text)}."
    assert made(place, "revoke", "branches") == "It was revoked before."
    assert "revoked" in made(place, "list")


def test_a_rotated_key_is_valid_for_the_grace(place: Path) -> None:
    old = new(place)
    ran = run(place, "rotate", "branches", "--grace-hours", "48")
    first, second = read_keys(place)
    assert (first.id, first.successor, second.id) == (id_of(old), second.id, id_of(ran.stdout.strip()))
    assert timedelta(hours=47) < first.expires - second.created <= timedelta(hours=48)
    assert "valid until" in ran.stderr
    assert "replaced by" in made(place, "list")


def test_without_grace_the_old_key_ends_at_once(place: Path) -> None:
    new(place)
    made(place, "rotate", "branches", "--grace-hours", "0")
    assert [key.state(datetime.now(UTC)) for key in read_keys(place)] == ["expired", "live"]


@pytest.mark.parametrize("verb", ["revoke", "rotate"])
def test_an_unknown_key_is_refused(place: Path, verb: str) -> None:
    new(place)
    assert isinstance(run(place, verb, "nobody").exception, SettingsError)


def test_the_file_must_be_named(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["keys", "list"], env={"SCOREWRIGHT_KEYS_FILE": ""})
    assert "--file" in str(ran.exception)
    named = tmp_path / "named.json"
    assert CliRunner().invoke(app, ["keys", "new", "x", "--role", "admin", "--file", str(named)]).exit_code == 0
    assert [key.name for key in read_keys(named)] == ["x"]


def test_a_list_of_none_is_one(place: Path) -> None:
    change_keys(place, lambda before: before)
    assert json.loads(made(place, "list", "--json")) == []


def test_every_verb_has_a_manual_page() -> None:
    group = typer.main.get_command(app).commands["keys"]  # type: ignore[attr-defined]
    assert sorted(group.commands) == ["list", "new", "revoke", "rotate"]
    assert all(len(verb.help) > 60 for verb in (group, *group.commands.values()))
    assert all(one.help for verb in group.commands.values() for one in verb.params if one.name != "help")
