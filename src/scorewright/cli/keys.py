"""Verbs of those who give out keys: keys new, list, revoke, rotate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scorewright.cli.console import OUT, say, show_table, tell
from scorewright.cli.manual import manual
from scorewright.errors import SettingsError

if TYPE_CHECKING:
    from scorewright.serve.access.keys import KeyRecord, Keys

GROUP = """Give out, list, take back and replace the keys of those who call the service.

The keys stand in one file, SCOREWRIGHT_KEYS_FILE or --file, which only its owner may write. It holds hashes: a key is
shown once, when it is made. A running service sees every change at its next request.
"""

WhichFile = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="File of the keys; SCOREWRIGHT_KEYS_FILE by default.")
]
WhichKey = Annotated[str, typer.Argument(metavar="KEY", help="Id or name of the key, or the key itself.")]


class RoleName(StrEnum):
    """What the bearer of a key may do."""

    integrator = "integrator"
    officer = "officer"
    validator = "validator"
    operator = "operator"
    admin = "admin"


def add_verbs(app: typer.Typer) -> None:
    """Register the group and its verbs."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    for name, verb in (("new", new), ("list", list_keys), ("revoke", revoke), ("rotate", rotate)):
        group.command(name, help=manual(verb))(verb)
    app.add_typer(group, name="keys", help="\n\n".join(" ".join(part.split("\n")) for part in GROUP.split("\n\n")))


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom the key is for: letters, digits, dots, hyphens.")],
    role: Annotated[list[RoleName], typer.Option("--role", help="What the bearer may do; repeat it for several.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="After how many days the key expires.")] = 365,
    client: Annotated[
        list[str] | None, typer.Option("--client", metavar="ID", help="Show this client's records only; repeat it.")
    ] = None,
    file: WhichFile = None,
) -> None:
    """Make a key and show it, this once.

    The key is printed alone on standard output, so that it can be piped into a vault; what is to be known of it goes to
    standard error.

    Example: [bold]scorewright keys new branches --role integrator --days 90[/bold]
    """
    from scorewright.serve.access.keys import Wish, add, mint

    text = mint()
    wish = Wish(name, tuple(one.value for one in role), timedelta(days=days), tuple(client) if client else None)
    made = _change(file, lambda keys, now: add(keys, text, wish, now))[-1]
    _hand_over(made, text)


def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    file: WhichFile = None,
) -> None:
    """List the keys: ids, names, roles, whether they admit, and until when. No key can be read out of it.

    Example: [bold]scorewright keys list[/bold]
    """
    from scorewright.serve.access.key_file import read_keys

    now, keys = datetime.now(UTC), read_keys(_place(file))
    if as_json:
        told = [{**asdict(key), "state": key.state(now)} for key in keys]
        shown = [{name: value for name, value in one.items() if name != "digest"} for one in told]
        OUT.out(json.dumps(shown, indent=1, default=_moment), highlight=False)
        return
    rows = [(k.id, k.name, ", ".join(k.roles), _state(k, now), _moment(k.created), _moment(k.expires)) for k in keys]
    show_table("Keys", ("id", "name", "roles", "state", "created", "expires"), rows)


def revoke(which: WhichKey, file: WhichFile = None) -> None:
    """Take a key back, or every key of a name. It is refused from the next request on.

    Whoever finds a key that leaked can give the key itself.

    Example: [bold]scorewright keys revoke branches[/bold]
    """
    from scorewright.serve.access.keys import revoke as revoked

    before: list[KeyRecord] = []

    def change(keys: Keys, now: datetime) -> Keys:
        before.extend(keys)
        return revoked(keys, which, now)

    after = _change(file, change)
    taken = [key.id for key, was in zip(after, before, strict=True) if key.revoked != was.revoked]
    say(f"Revoked: {', '.join(taken)}." if taken else "It was revoked before.")


def rotate(
    which: WhichKey,
    grace_hours: Annotated[
        float, typer.Option("--grace-hours", min=0, max=24 * 90, help="How long the old key stays valid.")
    ] = 24 * 7,
    file: WhichFile = None,
) -> None:
    """Replace a key by a new one with the same name, roles and lifetime, and show it, this once.

    The old key stays valid for the grace, a week unless told otherwise, so that its bearers can change over.

    Example: [bold]scorewright keys rotate branches --grace-hours 48[/bold]
    """
    from scorewright.serve.access.keys import mint
    from scorewright.serve.access.keys import rotate as rotated

    text, grace = mint(), timedelta(hours=grace_hours)
    keys = _change(file, lambda before, now: rotated(before, which, text, grace, now))
    (old,) = [key for key in keys if key.successor == keys[-1].id]
    _hand_over(keys[-1], text)
    tell(f"The old key {old.id} is valid until {_moment(old.expires)}.")


def _change(file: Path | None, change: Callable[[Keys, datetime], Keys]) -> Keys:
    from scorewright.serve.access.key_file import change_keys

    now = datetime.now(UTC)
    return change_keys(_place(file), lambda keys: change(keys, now))


def _place(file: Path | None) -> Path:
    from scorewright.serve.settings import load_settings

    place = file or load_settings().keys_file
    if place is None:
        raise SettingsError("The file of the keys must be named.", "none", "Set SCOREWRIGHT_KEYS_FILE, or give --file.")
    return place


def _hand_over(made: KeyRecord, text: str) -> None:
    say(text)
    tell(f"Key {made.id} of {made.name} ({', '.join(made.roles)}), valid until {_moment(made.expires)}.")
    tell("It is not shown again. Send it as Authorization: Bearer KEY, or X-API-Key: KEY.")


def _state(key: KeyRecord, now: datetime) -> str:
    state = key.state(now)
    return f"{state}, replaced by {key.successor}" if key.successor else state


def _moment(told: Any) -> str:
    return f"{told.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
