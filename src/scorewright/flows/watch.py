"""Watch: compare new applications with the population a model learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scorewright.domain.progress import Listener, silent
from scorewright.flows.champion import LoadedModel
from scorewright.monitor.drift import DriftReport, compare
from scorewright.tables.loading import load_tables, open_data


@dataclass(frozen=True)
class Watched:
    """The comparison, and what was noticed while reading."""

    report: DriftReport
    notices: tuple[str, ...]


def watch_folder(model: LoadedModel, data: Path, listen: Listener = silent) -> Watched:
    """Compare the applications of a folder with the profile in the model's bundle.

    Raises
    ------
    DataError
        The data break the contract.
    """
    contents = model.scorer.bundle.contents
    loaded = load_tables(open_data(contents.portfolio, data), "score", model.scorer.sealed, listen=listen)
    scores = model.scorer.score(loaded.tables)
    return Watched(compare(contents.profile, scores.matrix, scores.pd), loaded.notices)
