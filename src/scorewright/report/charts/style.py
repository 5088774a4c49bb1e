"""The one style of all charts, and the three ways out: PNG, SVG, and a specification for a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import vl_convert

Lang = Literal["en", "fr"]

BLUE = "#1f5a8c"
RED = "#b8412f"
GREY = "#8a8f98"
INK = "#22262b"
#: From a low value of a feature to a high one; told apart by people who see fewer colours, and in grey print.
FIFTHS = ("#2c4a86", "#5f88bd", "#9c8fb0", "#c9714f", "#8f2613")
GRAMMAR = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])

_GRID = "#e6e8eb"
_EDGE = "#b5bac1"
_PAPER = "white"
_WIDTH = 560
_SIDE = 500
_SCALE = 2.0
#: A page sets these colours itself, so that they follow its light and dark.
_PAGE_COLOURS: Mapping[str, str] = {
    BLUE: "var(--chart-blue)",
    RED: "var(--chart-red)",
    GREY: "var(--chart-grey)",
    INK: "var(--ink)",
    _GRID: "var(--chart-grid)",
    _EDGE: "var(--chart-edge)",
    _PAPER: "transparent",
    **{colour: f"var(--chart-fifth-{place})" for place, colour in enumerate(FIFTHS, start=1)},
}
_STYLE: Mapping[str, Any] = {
    "background": _PAPER,
    "font": "sans-serif",
    "view": {"stroke": None},
    "title": {"fontSize": 17, "color": INK, "subtitleColor": GREY, "subtitleFontSize": 12, "subtitlePadding": 5},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
        "labelFlush": False,
        "tickCount": 8,
        "gridColor": _GRID,
        "domainColor": _EDGE,
        "tickColor": _EDGE,
    },
    "legend": {"labelColor": INK, "titleColor": INK, "titleFontWeight": "normal", "labelLimit": 260},
}


@dataclass(frozen=True)
class Chart:
    """A chart that is not drawn yet.

    Parameters
    ----------
    layers : altair.LayerChart
        What is drawn, without size, title and style.
    title, subtitle : str
        Stand above it in a picture; a page words its own.
    height : int
        In pixels.
    square : bool
        Whether both axes are of equal length.
    lang : {"en", "fr"}
        How numbers on its axes are written.
    """

    layers: alt.LayerChart | alt.FacetChart
    title: str
    subtitle: str = ""
    height: int = 380
    square: bool = False
    lang: Lang = "en"


def picture(chart: Chart) -> bytes:
    """Draw a chart as PNG bytes."""
    png: bytes = vl_convert.vegalite_to_png(
        _alone(chart), vl_version=GRAMMAR, scale=_SCALE, format_locale=_locale(chart)
    )
    return png


def svg(chart: Chart) -> str:
    """Draw a chart as the text of an SVG file."""
    drawn: str = vl_convert.vegalite_to_svg(_alone(chart), vl_version=GRAMMAR, format_locale=_locale(chart))
    return drawn


def on_page(chart: Chart) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart that fills the width of its place in a page.

    It has no title, names no address, and its colours are variables of the page's style sheet.
    """
    sized = chart.layers.properties(
        width="container",
        height=_SIDE - 140 if chart.square else chart.height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    # The page gives the text alternative; a label for each mark would only be noise in front of it.
    specification = sized.configure(**_STYLE, aria=False).to_dict(validate=False)
    return {name: _recoloured(part) for name, part in specification.items() if name != "$schema"}


def _alone(chart: Chart) -> dict[str, Any]:
    shown = chart.layers.properties(
        width=_SIDE if chart.square else _WIDTH,
        height=_SIDE if chart.square else chart.height,
        title=alt.TitleParams(chart.title, subtitle=chart.subtitle, anchor="start", frame="group", offset=14),
        padding=18,
    )
    # The specification comes from this room alone: validating it again would take longer than drawing it.
    specification: dict[str, Any] = shown.configure(**_STYLE).to_dict(validate=False)
    return specification


def _locale(chart: Chart) -> Literal["fr-FR"] | None:
    return "fr-FR" if chart.lang == "fr" else None


def _recoloured(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _recoloured(inner) for name, inner in part.items()}
    if isinstance(part, list):
        return [_recoloured(inner) for inner in part]
    return _PAGE_COLOURS.get(part, part) if isinstance(part, str) else part
