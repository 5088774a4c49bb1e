"""Verbs of those who hold past decisions to account: replay; ledger verify, anchors, forget, rewrap, counts."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorewright.cli.console import progress, say, show_table, tell, warn
from scorewright.cli.exits import exit_code
from scorewright.cli.manual import manual, register, workbench
from scorewright.domain.ledger import Wanted
from scorewright.domain.progress import Step
from scorewright.errors import (
    ForgottenError,
    LedgerTamperedError,
    OutputError,
    ReplayDifferenceError,
    ScorewrightError,
    SettingsError,
)

if TYPE_CHECKING:
    from scorewright.domain.ledger import Anchor
    from scorewright.domain.progress import Listener
    from scorewright.domain.replays import Replayed

#: Of failures to replay, so many are told one by one.
_TOLD = 20


def add_verbs(app: typer.Typer) -> None:
    """Register the verbs."""
    register(app, (replay,))
    group = typer.Typer(no_args_is_help=True, help=manual(ledger))
    register(group, (verify, anchors, forget, rewrap, counts))
    app.add_typer(group, name="ledger")


def ledger() -> None:
    """Hold the record of decisions to account: verify it, anchor it, forget a client in it.

    The ledger is the one that the service writes, SCOREWRIGHT_LEDGER, by default the file ledger.db under
    SCOREWRIGHT_HOME. It may be in use meanwhile.
    """


def replay(
    decision: Annotated[str | None, typer.Argument(metavar="ID", help="Id of a decision, as it was answered.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Replay every recorded decision.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Replay so many decisions at most, the oldest first.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Replay those recorded since then, UTC."),
    ] = None,
) -> None:
    """Compute a past decision again with the bundle that made it, and compare to the last bit.

    Compares PD, interval, outcome, version of the policy, hard rules broken and the digest of the features, and the
    reasons where they were asked for. Any difference is an error with both values and exit code 12. Of a client who was
    forgotten nothing can be computed again.

    Example: [bold]scorewright replay 0198c0de-7a11-7000-8000-5c0e00000001[/bold]

    Example: [bold]scorewright replay --since 2026-01-01 --limit 1000[/bold]
    """
    many = every or limit is not None or since is not None
    if many == (decision is not None):
        raise SettingsError(
            "One decision is replayed by its id, or many by --all, --limit or --since.",
            "both" if many else "neither",
            "Try: scorewright replay --all",
        )
    from scorewright.flows.replay import Replayer

    bench = workbench()
    with closing(bench.open_ledger()) as opened:
        replayer = Replayer(bench.registry, opened)
        if decision is not None:
            _show_replayed(replayer.replay(decision))
            return
        wanted = Wanted(limit=limit, since=None if since is None else since.replace(tzinfo=UTC))
        most = opened.counts()["decision"]
        with progress() as listen:
            tally = _tally(replayer.replay_many(wanted), most if limit is None else min(limit, most), listen)
    _show_tally(tally)


def _show_replayed(replayed: Replayed) -> None:
    model = f"{replayed.portfolio} version {replayed.version}"
    say(f"Decision {replayed.id} comes out the same from {model}, bundle {replayed.bundle}.")
    say(f"Identical to the last bit: {', '.join(replayed.compared)}.")


@dataclass
class _Tally:
    """How many decisions came out how, and those to be told of."""

    same: int = 0
    forgotten: int = 0
    different: int = 0
    failed: int = 0
    told: list[str] = field(default_factory=list)
    first: ScorewrightError | None = None

    def count(self, id_: str, result: Replayed | ScorewrightError) -> None:
        if not isinstance(result, ScorewrightError):
            self.same += 1
        elif isinstance(result, ForgottenError):
            self.forgotten += 1
        else:
            differs = isinstance(result, ReplayDifferenceError)
            self.different += differs
            self.failed += not differs
            self.first = self.first or result
            if len(self.told) < _TOLD:
                self.told.append(f"{id_}: {result.value}")


def _tally(results: Iterable[tuple[str, Replayed | ScorewrightError]], most: int, listen: Listener) -> _Tally:
    tally, done = _Tally(), 0
    for done, (id_, result) in enumerate(results, 1):
        tally.count(id_, result)
        listen(Step("Replay decisions", done, max(most, done)))
    listen(Step("Replay decisions", done, done))
    return tally


def _show_tally(tally: _Tally) -> None:
    warn(*tally.told)
    counted = (
        ("identical to the last bit", tally.same),
        ("different", tally.different),
        ("could not be computed", tally.failed),
        ("client forgotten", tally.forgotten),
    )
    show_table("Decisions computed again", ("what", "decisions"), [(what, f"{number:,}") for what, number in counted])
    if tally.first is not None:
        raise typer.Exit(exit_code(tally.first))


def verify(
    anchors: Annotated[
        list[Path] | None,
        typer.Option("--anchors", metavar="FILE", help="Anchors exported before, to compare with; repeat it."),
    ] = None,
) -> None:
    """Read the whole chain, and say whether any row was edited, removed, inserted or cut off.

    A broken chain is an error that names the row, with exit code 12. Anchors exported before betray a ledger that was
    set back as a whole: without them the chain vouches for all but that.

    Example: [bold]scorewright ledger verify --anchors anchors.jsonl[/bold]
    """
    known = [anchor for file in anchors or () for anchor in _read_anchors(file)]
    with closing(workbench().open_ledger()) as opened, progress() as listen:
        found = opened.verify(known, listen)
    if found.broken is not None:
        raise LedgerTamperedError(found.broken.sequence, found.broken.what)
    say(f"The ledger is whole: {found.rows:,} rows as they were appended, compared with {found.anchors:,} anchors.")


def _read_anchors(file: Path) -> tuple[Anchor, ...]:
    from scorewright.ledger.anchors import from_lines

    try:
        return from_lines(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not UTF-8"
        raise SettingsError(
            "A file of anchors must be there and readable.", f"{file}: {reason}", "Give the file as it was exported."
        ) from None


def anchors(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="New file to write, one JSON object a line.")],
) -> None:
    """Write down what the chain is now, to be kept where the ledger's database is not.

    Holds no personal data. An earlier export is never written over: it is what a later ledger is compared with.

    Example: [bold]scorewright ledger anchors --out anchors.jsonl[/bold]
    """
    from scorewright.atomic import whole_file
    from scorewright.ledger.anchors import to_lines

    if out.exists():
        rule = "An export of anchors is never written over: it is evidence."
        raise OutputError(rule, f"{out} exists", "Choose another name.")
    with closing(workbench().open_ledger()) as opened:
        made = opened.anchors()
    with whole_file(out) as file:
        file.write_text(to_lines(made), encoding="utf-8")
    say(f"{len(made):,} anchors in {out}, the last of row {made[-1].sequence if made else 0:,}.")


def forget(
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="Key of the client, as in the applications.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy a client's key, so that what was recorded of them can be read by nobody, ever. Asks first.

    PDs, outcomes and models stay, and the chain stays whole; it says when this was done, and that the user of this
    machine did it. Such decisions cannot be replayed. Backups made before still hold the key: let them expire.

    Example: [bold]scorewright ledger forget 100002[/bold]
    """
    if not yes:
        typer.confirm(f"Destroy for ever what the ledger holds of client {client!r}?", abort=True, err=True)
    with closing(workbench().open_ledger()) as opened:
        concerned = opened.forget(client, local_user())
    say(f"Forgotten: {concerned:,} entries can be read no more." if concerned else "The ledger knows no such client.")


def local_user() -> str:
    """Name who is logged in, as callers are named."""
    try:
        return f"local:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"local:{os.getuid()}"


def rewrap() -> None:
    """Bring every client's key under the secret in force, after the secret was changed. May be stopped and run again.

    Rows keep the secret they were chained under, so keep the former ones.

    Example: [bold]scorewright ledger rewrap[/bold]
    """
    with closing(workbench().open_ledger()) as opened:
        tell("Rewrapping ...")
        say(f"{opened.rewrap():,} clients' keys were brought under the secret in force.")


def counts() -> None:
    """Say how many entries of each kind the ledger holds.

    Example: [bold]scorewright ledger counts[/bold]
    """
    with closing(workbench().open_ledger()) as opened:
        rows = [(kind, f"{number:,}") for kind, number in opened.counts().items()]
    show_table("Entries of the ledger", ("kind", "entries"), rows)
