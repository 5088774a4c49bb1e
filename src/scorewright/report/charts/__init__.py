"""Charts: Vega-Lite specifications in one style, drawn as PNG or SVG, or by the reader's browser. All works offline."""

from __future__ import annotations

from scorewright.report.charts.style import Chart, on_page, picture, svg

__all__ = ["Chart", "on_page", "picture", "svg"]
