"""Reads a page as a browser would, far enough to judge its structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br"}


@dataclass
class Element:
    """One element: its name, its attributes, and the texts and elements in it, in order."""

    name: str
    attributes: dict[str, str]
    parts: list[str | Element] = field(default_factory=list)

    @property
    def inside(self) -> list[Element]:
        """The elements that stand directly in it."""
        return [part for part in self.parts if isinstance(part, Element)]

    def all(self, *names: str) -> list[Element]:
        """Return every element of these names below this one, in order; without names, every element."""
        found = []
        for each in self.inside:
            found += [each] * (each.name in names or not names)
            found += each.all(*names)
        return found

    @property
    def text(self) -> str:
        """The text that stands directly in it."""
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def words(self) -> str:
        """All text in it."""
        return "".join(part.words if isinstance(part, Element) else part for part in self.parts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> ends <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(page: str) -> Element:
    """Return the document; an element that is not closed, or in the wrong order, fails."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert [element.name for element in reader.open] == ["document"]
    return reader.open[0]
