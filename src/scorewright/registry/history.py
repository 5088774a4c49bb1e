"""Who held an alias before: an order of versions that survives a change cut short."""

from __future__ import annotations

from collections.abc import Sequence

KEPT = 50


def advance(history: Sequence[str], holder: str | None, version: str) -> tuple[str, ...]:
    """Return the history after `version` takes the alias from `holder`.

    Taking it back to the holder before is a step back and shortens the history.

    Examples
    --------
    >>> advance(("1", "2"), "2", "3")
    ('1', '2', '3')
    >>> advance(("1", "2", "3"), "3", "2")
    ('1', '2')
    """
    held = aligned(history, holder)
    if held[-1:] == (version,):
        return held
    if held[-2:-1] == (version,):
        return held[:-1]
    return (*held, version)[-KEPT:]


def before(history: Sequence[str], holder: str | None) -> str | None:
    """Return who held the alias before `holder`, or None.

    Examples
    --------
    >>> before(("1", "2"), "2")
    '1'
    """
    held = aligned(history, holder)
    return held[-2] if len(held) > 1 else None


def aligned(history: Sequence[str], holder: str | None) -> tuple[str, ...]:
    """Return the history so that it ends with the present holder.

    The two differ when a change was cut short, or when another tool moved the alias.

    Examples
    --------
    >>> aligned(("1", "2", "3"), "2")
    ('1', '2')
    >>> aligned(("1", "2"), "7")
    ('1', '2', '7')
    """
    if holder is None:
        return ()
    for position in reversed(range(len(history))):
        if history[position] == holder:
            return tuple(history[: position + 1])
    return (*history, holder)
