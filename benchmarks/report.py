"""Write a benchmark's table as Markdown and its figures as one flat JSON object beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path


def today() -> str:
    """Date of a measurement, in UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def write_report(
    stem: Path,
    *,
    title: str,
    notes: Sequence[str],
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    figures: Mapping[str, float],
) -> None:
    """Write ``<stem>.md`` and ``<stem>.json``.

    Parameters
    ----------
    stem : Path
        Where, without the ending.
    notes : sequence of str
        How it was measured, one paragraph each: date, versions, seed, command.
    header, rows : sequences of str
        The table; the first column is text, the others are numbers or empty.
    figures : mapping of str to float
        The same figures by name, unrounded where rounding would hide a difference.
    """
    lines = [f"# {title}", "", *[line for note in notes for line in (note, "")]]
    lines.append("| " + " | ".join(header) + " |")
    lines.append("| " + " | ".join("---" if position == 0 else "---:" for position in range(len(header))) + " |")
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    stem.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rounded = {name: _rounded(value) for name, value in sorted(figures.items())}
    stem.with_suffix(".json").write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")


def _rounded(value: float) -> float:
    """Six decimals; of what is small, four digits."""
    return round(value, 6) if abs(value) >= 1e-3 else float(f"{value:.4g}")
