"""Score a folder of applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from scorewright.atomic import whole_file
from scorewright.bundle.scorer import score_frame
from scorewright.decision.policy import Policy
from scorewright.domain.progress import Listener, Step, silent
from scorewright.errors import OutputError
from scorewright.flows.champion import LoadedModel
from scorewright.tables.loading import load_tables, open_data


@dataclass(frozen=True)
class Scored:
    """What was written.

    Parameters
    ----------
    table : DataFrame
        One row per application.
    policy : Policy
        What decided.
    broken : mapping of str to int
        Applications that break each hard rule, by its name.
    notices : tuple of str
        What was noticed while reading.
    """

    table: pl.DataFrame
    policy: Policy
    broken: Mapping[str, int]
    notices: tuple[str, ...]


def score_folder(model: LoadedModel, data: Path, out: Path | None = None, listen: Listener = silent) -> Scored:
    """Score every application of a folder.

    Parameters
    ----------
    out : Path, optional
        Parquet or CSV file to write, whole or not at all: see `scorewright.bundle.scorer.score_frame`.

    Raises
    ------
    DataError
        The data break the contract.
    OutputError
        The file cannot be written.
    """
    if out is not None:
        check_output(out)
    contents = model.scorer.bundle.contents
    loaded = load_tables(open_data(contents.portfolio, data), "score", model.scorer.sealed, listen=listen)
    listen(Step("score", 0, 1))
    scores = model.scorer.score(loaded.tables)
    table = score_frame(scores)
    listen(Step("score", 1, 1, f"{table.height} applications"))
    if out is not None:
        write_table(table, out)
    counts = scores.decided.broken.sum(axis=0).tolist()
    broken = {rule.name: count for rule, count in zip(contents.policy.rules, counts, strict=True)}
    return Scored(table, contents.policy, broken, loaded.notices)


def check_output(out: Path) -> None:
    """Refuse, before anything is computed, a file that could not be written.

    Raises
    ------
    OutputError
        It is neither Parquet nor CSV, or its folder is not there.
    """
    if out.suffix not in {".parquet", ".csv"}:
        raise OutputError("Tables are written as Parquet or CSV.", f"{out.name}", "End the name in .parquet or .csv.")
    if not out.parent.is_dir():
        raise OutputError("The folder of the output must exist.", f"{out.parent}", "Create it, or choose another.")


def write_table(table: pl.DataFrame, out: Path) -> None:
    """Write a table as Parquet or CSV, by the ending of the name: whole or not at all."""
    with whole_file(out) as unfinished:
        (table.write_parquet if out.suffix == ".parquet" else table.write_csv)(unfinished)
