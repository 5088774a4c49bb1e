"""Score a folder of applications."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from scorewright.atomic import whole_file
from scorewright.bundle.scorer import score_frame
from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import OutputError
from scorewright.flows.champion import LoadedModel
from scorewright.tables.loading import load_tables, open_data


@dataclass(frozen=True)
class Scored:
    """What was written: one row per application."""

    table: pl.DataFrame
    threshold: float
    notices: tuple[str, ...]


def score_folder(model: LoadedModel, data: Path, out: Path | None = None, listen: Listener = silent) -> Scored:
    """Score every application of a folder.

    Parameters
    ----------
    out : Path, optional
        Parquet or CSV file to write: the application's key, ``pd``, ``decision``. Written whole or not at all.

    Raises
    ------
    DataError
        The data break the contract.
    OutputError
        The file cannot be written.
    """
    if out is not None:
        _check_output(out)
    contents = model.scorer.bundle.contents
    loaded = load_tables(open_data(contents.portfolio, data), "score", model.scorer.sealed, listen=listen)
    listen(Step("score", 0, 1))
    table = score_frame(model.scorer.score(loaded.tables))
    listen(Step("score", 1, 1, f"{table.height} applications"))
    if out is not None:
        with whole_file(out) as unfinished:
            (table.write_parquet if out.suffix == ".parquet" else table.write_csv)(unfinished)
    return Scored(table, contents.policy.threshold, loaded.notices)


def _check_output(out: Path) -> None:
    if out.suffix not in {".parquet", ".csv"}:
        raise OutputError("Scores are written as Parquet or CSV.", f"{out.name}", "End the name in .parquet or .csv.")
    if not out.parent.is_dir():
        raise OutputError("The folder of the output must exist.", f"{out.parent}", "Create it, or choose another.")
