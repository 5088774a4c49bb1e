"""What a person sees: progress on stderr, results on stdout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from scorewright.domain.progress import Listener, Step
    from scorewright.errors import ScorewrightError

#: Where output goes to a file or a pipe, tables keep a width at which they can be read.
_PIPE_WIDTH = 120


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPE_WIDTH)


OUT = _console(stderr=False)
ERR = _console(stderr=True)


@contextmanager
def progress() -> Iterator[Listener]:
    """Show one line per task; nothing is drawn where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=ERR, disable=not ERR.is_terminal) as bars:
        tasks: dict[str, int] = {}

        def listen(step: Step) -> None:
            if step.task not in tasks:
                tasks[step.task] = bars.add_task(step.task, total=step.total, note="")
            bars.update(tasks[step.task], completed=step.done, total=step.total, note=step.note)  # type: ignore[arg-type]

        yield listen


def show_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", show_edge=False)
    for position, name in enumerate(header):
        table.add_column(name, justify="right" if position else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    OUT.print(table)


def say(*lines: str) -> None:
    """Print plain lines; brackets in them are not styling, long ones are not cut."""
    for line in lines:
        OUT.print(line, markup=False, soft_wrap=True)


def tell(line: str) -> None:
    """Say on stderr what is going on, where no progress can be shown."""
    ERR.print(line, markup=False, soft_wrap=True, style="dim")


def warn(*lines: str) -> None:
    """Print notices to stderr."""
    for line in lines:
        ERR.print(f"note: {line}", markup=False, soft_wrap=True, style="yellow")


def show_error(error: ScorewrightError) -> None:
    """Print an error: the code, then what must hold, what was found and what to do."""
    ERR.print(f"error [{error.code}]", markup=False, style="bold red")
    ERR.print(f"  {error.rule}", markup=False, soft_wrap=True)
    ERR.print(f"  Found: {error.value}", markup=False, soft_wrap=True)
    ERR.print(f"  {error.remedy}", markup=False, soft_wrap=True)
