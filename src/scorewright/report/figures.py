"""A chart in a page: what it shows in words, the place it is drawn in, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scorewright.report.charts import Chart, on_page
from scorewright.report.markup import Html, data_block, table, tag, together
from scorewright.report.words import Words

_MOST = 12
T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A chart with its words.

    Parameters
    ----------
    name : str
        Unique in the page; letters, digits and hyphens.
    chart : Chart
        What is drawn.
    title : str
        What it is of.
    says : str
        What is to be seen, for those who do not see it.
    header, rows : sequences of str
        Its numbers.
    """

    name: str
    chart: Chart
    title: str
    says: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def html(self, say: Words) -> Html:
        """Return the figure."""
        caption = tag("figcaption", tag("strong", self.title), " ", self.says)
        label = f"{self.title} {self.says}"
        place = tag("div", class_="chart", role="img", aria_label=label, data_chart=f"spec-{self.name}")
        numbers = table(self.title, self.header, self.rows)
        told = tag(
            "details", tag("summary", say("page.numbers"), tag("span", f": {self.title}", class_="hidden")), numbers
        )
        drawn = data_block(f"spec-{self.name}", on_page(self.chart))
        return tag("figure", caption, place, drawn, told, id=f"figure-{self.name}")


def figures(say: Words, drawn: Iterable[Figure]) -> Html:
    """Return figures, side by side where there is room."""
    return tag("div", *(figure.html(say) for figure in drawn), class_="figures")


def some(rows: Sequence[T], most: int = _MOST) -> list[T]:
    """Thin rows evenly to what people read; the first and the last stay."""
    if len(rows) <= most:
        return list(rows)
    step = (len(rows) - 1) / (most - 1)
    return [rows[round(place * step)] for place in range(most)]


def nothing(say: Words, key: str) -> Html:
    """Say that a part is missing, and how to get it."""
    return together([tag("p", say(key), class_="absent")])
