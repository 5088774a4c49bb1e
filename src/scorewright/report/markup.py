"""HTML put together so that no text can become markup: what is not `Html` is escaped."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence

_VOID = frozenset({"meta", "link", "br"})
_NUMBER = re.compile(r"[-+−]?\d[\d,.]*%?($| \()|[-+−]?\d[\d,.%]* to [-+−]?\d|$")


_SPANNED = re.compile(r"([^\s(]+) (\([^\s(]+ to [^\s(]+\))")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *inside: str, **attributes: str | bool | None) -> Html:
    """Return an element.

    Parameters
    ----------
    inside : str
        What it holds, in order; escaped unless it is `Html`.
    attributes : str, bool or None
        By name, with ``_`` for ``-`` and without a trailing one (``class_``); True stands alone, False and None are
        left out.

    Examples
    --------
    >>> tag("p", "Lost < gained ", tag("b", "by far"), class_="note")
    '<p class="note">Lost &lt; gained <b>by far</b></p>'
    """
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    closing = "" if name in _VOID else f"</{name}>"
    return Html(f"<{name}{opening}>{together(inside)}{closing}")


def together(parts: Iterable[str]) -> Html:
    """Join parts; those that are not `Html` are escaped."""
    return Html("".join(part if isinstance(part, Html) else html.escape(part, quote=False) for part in parts))


def paragraphs(*texts: str) -> Html:
    """Give each text that is not empty its own paragraph."""
    return together(tag("p", text) for text in texts if text)


def bullets(texts: Iterable[str]) -> Html:
    """Return a list."""
    return tag("ul", *(tag("li", text) for text in texts))


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """Return a table whose first column names its rows; one that is too wide scrolls by itself, by keyboard too."""
    heads = [tag("th", name, scope="col") for name in header]
    body = [tag("tr", tag("th", first, scope="row"), *map(_cell, rest)) for first, *rest in rows]
    inner = tag("table", titled(caption), tag("thead", tag("tr", *heads)), tag("tbody", *body))
    return tag("div", inner, class_="scroll", role="region", aria_label=caption, tabindex="0")


def titled(caption: str) -> Html:
    """Return a caption whose words stay in sight when its table is scrolled sideways."""
    return tag("caption", tag("span", caption))


def data_block(name: str, content: object) -> Html:
    """Return JSON that a script reads; the browser does not run it, and nothing in it can end it."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return tag("script", Html(safe), type="application/json", id=name)


def _attribute(key: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(value)}"'


def _cell(text: str) -> Html:
    """Set an interval under its value, so that tables stay narrow."""
    kind = "number" if _NUMBER.match(text) else None
    spanned = _SPANNED.fullmatch(text)
    return tag("td", text, class_=kind) if spanned is None else tag("td", *_stacked(*spanned.groups()), class_=kind)


def _stacked(value: str, interval: str) -> tuple[str, ...]:
    return value, " ", tag("small", interval)
