"""Verbs and their manual pages."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

if TYPE_CHECKING:
    import typer

    from scorewright.bootstrap import Workbench

T = TypeVar("T")


def register(app: typer.Typer, verbs: Iterable[Callable[..., Any]]) -> None:
    """Register functions as verbs, their docstrings as manual pages."""
    for verb in verbs:
        app.command(help=manual(verb))(verb)


def with_options(verb: Callable[[T], None], options: Callable[..., T]) -> Callable[..., None]:
    """Make each field of a dataclass an option of the verb that takes it.

    For verbs that have more options than a function should have arguments.
    """

    def run(**given: Any) -> None:
        verb(options(**given))

    hints = get_type_hints(options, include_extras=True)
    fields = inspect.signature(options).parameters.values()
    asked = [field.replace(annotation=hints[field.name], kind=inspect.Parameter.KEYWORD_ONLY) for field in fields]
    run.__name__, run.__doc__, run.__annotations__ = verb.__name__, verb.__doc__, hints
    run.__signature__ = inspect.Signature(asked)  # type: ignore[attr-defined]
    return run


def manual(verb: Callable[..., Any]) -> str:
    """Join the lines of each paragraph, so that the terminal's width decides where they break."""
    paragraphs = inspect.cleandoc(verb.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in paragraphs)


def workbench() -> Workbench:
    """Wire the parts. Imported here, late: reading settings is slower than printing help."""
    from scorewright.bootstrap import open_workbench

    return open_workbench()
