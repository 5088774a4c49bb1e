"""Verbs and their manual pages."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

    from scorewright.bootstrap import Workbench


def register(app: typer.Typer, verbs: Iterable[Callable[..., Any]]) -> None:
    """Register functions as verbs, their docstrings as manual pages."""
    for verb in verbs:
        app.command(help=manual(verb))(verb)


def manual(verb: Callable[..., Any]) -> str:
    """Join the lines of each paragraph, so that the terminal's width decides where they break."""
    paragraphs = inspect.cleandoc(verb.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in paragraphs)


def workbench() -> Workbench:
    """Wire the parts. Imported here, late: reading settings is slower than printing help."""
    from scorewright.bootstrap import open_workbench

    return open_workbench()
